// The log, in Redis's form:
//
//   PID:ROLE DD Mon YYYY HH:MM:SS.mmm LEVEL message
//   7408:M 23 Nov 2026 08:20:02.857 * Ready to accept connections tcp
//
// ROLE is C until the server is set up and in a background child, then M (primary), S (replica) or
// X (Sentinel). LEVEL is . debug, - verbose, * notice, # warning. Where the lines go is a sink, so
// the same logger works without files.

export type LogLevel = 'debug' | 'verbose' | 'notice' | 'warning';

/** `loglevel`: the least important level that is written. */
export type LogThreshold = LogLevel | 'nothing';

export type LogRole = 'C' | 'M' | 'S' | 'X';

export interface LogSink {
  /** Appends `text` (complete lines) at once; never throws. */
  write(text: string): void;
}

export interface LoggerOptions {
  readonly pid: number;
  readonly sink: LogSink;
  readonly now?: () => Date;
}

const IMPORTANCE: Readonly<Record<LogThreshold, number>> = {
  debug: 0,
  verbose: 1,
  notice: 2,
  warning: 3,
  nothing: 4,
};

const LEVEL_CHARS: Readonly<Record<LogLevel, string>> = {
  debug: '.',
  verbose: '-',
  notice: '*',
  warning: '#',
};

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

export class Logger {
  threshold: LogThreshold = 'notice';
  role: LogRole = 'C';
  sink: LogSink;
  private readonly pid: number;
  private readonly now: () => Date;

  constructor({ pid, sink, now = () => new Date() }: LoggerOptions) {
    this.pid = pid;
    this.sink = sink;
    this.now = now;
  }

  isEnabled(level: LogLevel): boolean {
    return IMPORTANCE[level] >= IMPORTANCE[this.threshold];
  }

  log(level: LogLevel, message: string): void {
    if (!this.isEnabled(level)) return;
    const time = formatTime(this.now());
    this.sink.write(`${this.pid}:${this.role} ${time} ${LEVEL_CHARS[level]} ${message}\n`);
  }

  debug(message: string): void {
    this.log('debug', message);
  }

  verbose(message: string): void {
    this.log('verbose', message);
  }

  notice(message: string): void {
    this.log('notice', message);
  }

  warning(message: string): void {
    this.log('warning', message);
  }

  /** `text` as it is, without the head of a line (the start banner, crash reports). */
  raw(level: LogLevel, text: string): void {
    if (this.isEnabled(level)) this.sink.write(text);
  }
}

/** Local time, "23 Nov 2026 08:20:02.857". */
function formatTime(time: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
  const day = `${two(time.getDate())} ${MONTHS[time.getMonth()]} ${time.getFullYear()}`;
  return `${day} ${clock}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}
