// Reads an append-only file as text, without running it: where commands end, where transactions begin
// and end, what the clock said, and where it stops to make sense.
//
//   #TS:1700000000\r\n     annotation: a line that begins with '#'
//   *2\r\n                 command: number of arguments,
//   $6\r\nSELECT\r\n       and each with its length and a line break behind it
//   $1\r\n0\r\n
//
// Bytes come in pieces of any size. Only what a visitor may look at is kept: the first arguments, up to
// ARGUMENT_BYTES_KEPT of each; so memory is bounded whatever the file holds. O(bytes of the lines): the
// insides of long arguments are stepped over.
//
// Stricter than what loads, unless told otherwise: the line break behind an argument has to be one, and
// transactions do not nest. Loading passes over any two bytes there, as Redis does.

const ARGUMENT_BYTES_KEPT = 64;
const ARGUMENTS_KEPT = 4;
/** Redis reads lines of the file into so many bytes. */
const LINE_BYTES_MAX = 1024;
const DIGITS_MAX = 10;
const PIECE_BYTES = 262144;

const ASTERISK = 42;
const DOLLAR = 36;
const NUMBER_SIGN = 35;
const CARRIAGE_RETURN = 13;
const LINE_FEED = 10;

export interface ScannedCommand {
  /** Where it begins in the file, and the first byte behind it. */
  readonly start: number;
  readonly end: number;
  readonly argumentCount: number;
  /** The first few arguments, long ones cut. */
  readonly arguments: readonly Uint8Array[];
  /** Lower case. */
  readonly name: string;
}

export interface ScanVisitor {
  command?(command: ScannedCommand): void;
  /** A time that an annotation gives, in Unix seconds. `start` is where the annotation begins. */
  timestamp?(unixSeconds: number, start: number): void;
}

/** What is wrong with a file, and where. */
export interface ScanFault {
  readonly offset: number;
  /** 'end': it stops in the middle of something; 'format': it is not what it should be. */
  readonly kind: 'end' | 'format';
  readonly message: string;
}

type State = 'start' | 'count' | 'annotation' | 'length' | 'argument' | 'break';

export interface ScanOptions {
  /** Where in the file the first piece begins: behind an RDB preamble, for one. */
  readonly start?: number;
  /** Passes over what loading passes over. */
  readonly asLoaded?: boolean;
}

export class AofScanner {
  private readonly visitor: ScanVisitor;
  private state: State = 'start';
  /** Offset of the first byte of the next piece. */
  private offset: number;
  /** Lines read so far: what redis-check-aof calls ok_up_to_line. */
  private lines = 0;
  private line = '';
  private unitStart: number;
  private left = 0;
  private count = 0;
  private argumentLeft = 0;
  private kept: Uint8Array[] = [];
  private keptLength = 0;
  private breakLength = 0;
  private multiStart: number | undefined;
  private found: ScanFault | undefined;
  private validEnd: number;
  private validLines = 0;

  private readonly asLoaded: boolean;

  constructor(visitor: ScanVisitor = {}, { start = 0, asLoaded = false }: ScanOptions = {}) {
    this.visitor = visitor;
    this.asLoaded = asLoaded;
    this.offset = start;
    this.unitStart = start;
    this.validEnd = start;
  }

  /** The end of the last whole command or annotation. */
  get wholeEnd(): number {
    return this.validEnd;
  }

  /** Where a transaction begins that is not finished; undefined outside of one. */
  get openMulti(): number | undefined {
    return this.multiStart;
  }

  /** To where the file can be kept: the end of the last whole command that is in no open transaction. */
  get usableEnd(): number {
    return this.multiStart ?? this.validEnd;
  }

  /** Line breaks up to `wholeEnd`, those in arguments not counted. */
  get wholeLines(): number {
    return this.validLines;
  }

  /** The first thing wrong so far; nothing behind it is read. */
  get fault(): ScanFault | undefined {
    return this.found;
  }

  /** Reads the next piece. False once something is wrong. */
  push(bytes: Uint8Array): boolean {
    let at = 0;
    while (at < bytes.length && this.found === undefined) {
      if (this.state === 'argument') at = this.readArgument(bytes, at);
      else if (this.state === 'break') at = this.readBreak(bytes, at);
      else at = this.readLine(bytes, at);
    }
    this.offset += bytes.length;
    return this.found === undefined;
  }

  /** No more bytes: what is unfinished is a fault. */
  finish(): ScanFault | undefined {
    if (this.found === undefined) {
      if (this.state !== 'start') {
        this.fail(this.validEnd, 'end', 'Unexpected end of file');
      } else if (this.multiStart !== undefined) {
        this.fail(this.multiStart, 'end', 'Reached EOF before reading EXEC for MULTI');
      }
    }
    return this.found;
  }

  private fail(offset: number, kind: ScanFault['kind'], message: string): void {
    this.found ??= { offset, kind, message };
  }

  /** Takes bytes of the line at hand, and acts on it when it is complete. */
  private readLine(bytes: Uint8Array, from: number): number {
    if (this.state === 'start' && !this.beginUnit(bytes[from]!, this.offset + from)) return from;
    const stop = bytes.indexOf(LINE_FEED, from);
    const end = stop < 0 ? bytes.length : stop + 1;
    if (this.line.length + end - from > LINE_BYTES_MAX) {
      this.fail(this.offset + from, 'format', 'Line too long');
      return end;
    }
    if (stop < 0 || this.line !== '' || this.state === 'annotation') {
      this.line += Buffer.from(bytes.subarray(from, end)).toString('latin1');
      if (stop >= 0) this.endLine(this.offset + end);
    } else {
      // Nearly every line: a number that lies in one piece.
      const value = numberIn((i) => bytes[from + i]!, end - from);
      this.endNumber(value, bytes[from]!, this.offset + from);
    }
    return end;
  }

  private beginUnit(byte: number, offset: number): boolean {
    this.unitStart = offset;
    if (byte === ASTERISK) this.state = 'count';
    else if (byte === NUMBER_SIGN) this.state = 'annotation';
    else {
      this.fail(offset, 'format', `Expected prefix '*', got: '${String.fromCharCode(byte)}'`);
      return false;
    }
    return true;
  }

  private endLine(end: number): void {
    const { line } = this;
    this.line = '';
    if (this.state === 'annotation') this.endAnnotation(line, end);
    else {
      const value = numberIn((i) => line.charCodeAt(i), line.length);
      this.endNumber(value, line.charCodeAt(0), end - line.length);
    }
  }

  private endAnnotation(line: string, end: number): void {
    this.lines += 1;
    this.state = 'start';
    this.validEnd = end;
    this.validLines = this.lines;
    const time = /^#TS:(\d+)/.exec(line)?.[1];
    if (time !== undefined) this.visitor.timestamp?.(Number(time), this.unitStart);
  }

  /** A line that ends at hand: a first byte and a number, undefined when it is none. */
  private endNumber(value: number | undefined, prefix: number, start: number): void {
    this.lines += 1;
    if (this.state === 'count') {
      if (value === undefined || value < 1) {
        this.fail(start, 'format', 'Invalid number of arguments');
        return;
      }
      this.count = value;
      this.left = value;
      this.kept = [];
      this.state = 'length';
    } else if (prefix !== DOLLAR) {
      this.fail(start, 'format', `Expected prefix '$', got: '${String.fromCharCode(prefix)}'`);
    } else if (value === undefined) this.fail(start, 'format', 'Invalid length of an argument');
    else this.beginArgument(value);
  }

  private beginArgument(length: number): void {
    this.argumentLeft = length;
    if (this.kept.length < ARGUMENTS_KEPT) {
      this.kept.push(new Uint8Array(Math.min(length, ARGUMENT_BYTES_KEPT)));
    }
    this.keptLength = 0;
    this.state = length > 0 ? 'argument' : 'break';
  }

  private readArgument(bytes: Uint8Array, from: number): number {
    const end = Math.min(bytes.length, from + this.argumentLeft);
    const into = this.count - this.left < ARGUMENTS_KEPT ? this.kept.at(-1) : undefined;
    if (into !== undefined && this.keptLength < into.length) {
      const part = bytes.subarray(from, Math.min(end, from + into.length - this.keptLength));
      into.set(part, this.keptLength);
      this.keptLength += part.length;
    }
    this.argumentLeft -= end - from;
    if (this.argumentLeft === 0) this.state = 'break';
    return end;
  }

  /** The two bytes behind an argument. */
  private readBreak(bytes: Uint8Array, from: number): number {
    const wanted = this.breakLength === 0 ? CARRIAGE_RETURN : LINE_FEED;
    if (!this.asLoaded && bytes[from] !== wanted) {
      this.fail(this.offset + from, 'format', 'Expected \\r\\n behind an argument');
      return from;
    }
    this.breakLength += 1;
    if (this.breakLength === 2) {
      this.breakLength = 0;
      this.lines += 1;
      this.left -= 1;
      this.state = this.left > 0 ? 'length' : 'start';
      if (this.left === 0) this.endCommand(this.offset + from + 1);
    }
    return from + 1;
  }

  private endCommand(end: number): void {
    const name = Buffer.from(this.kept[0]!).toString('latin1').toLowerCase();
    if (name === 'multi') {
      if (this.multiStart !== undefined && !this.asLoaded) {
        this.fail(this.unitStart, 'format', 'Unexpected MULTI');
        return;
      }
      this.multiStart ??= this.unitStart;
    } else if (name === 'exec') {
      if (this.multiStart === undefined && !this.asLoaded) {
        this.fail(this.unitStart, 'format', 'Unexpected EXEC');
        return;
      }
      this.multiStart = undefined;
    }
    this.validEnd = end;
    this.validLines = this.lines;
    this.visitor.command?.({
      start: this.unitStart,
      end,
      argumentCount: this.count,
      arguments: this.kept,
      name,
    });
  }
}

/** The number between the first byte of a line and its line break; undefined when there is none. */
function numberIn(byteAt: (index: number) => number, length: number): number | undefined {
  const digits = length - 3;
  if (digits < 1 || digits > DIGITS_MAX || byteAt(length - 2) !== CARRIAGE_RETURN) return undefined;
  let value = 0;
  for (let i = 1; i <= digits; i++) {
    const digit = byteAt(i) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value;
}

/** Scans what is in a file. Stops at the first fault. */
export function scanFile(
  file: { read(into: Uint8Array, position: number): number },
  visitor: ScanVisitor = {},
  options: ScanOptions = {},
): AofScanner {
  const scanner = new AofScanner(visitor, options);
  const piece = new Uint8Array(PIECE_BYTES);
  let position = options.start ?? 0;
  for (;;) {
    const length = file.read(piece, position);
    if (length === 0) break;
    position += length;
    if (!scanner.push(piece.subarray(0, length))) break;
  }
  scanner.finish();
  return scanner;
}
