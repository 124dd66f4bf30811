// Reads protocol transcripts: see README.md in this folder for their form.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface Transcript {
  title: string;
  input: Buffer;
  output: Buffer;
  /** The server closes the connection after the output. */
  closed: boolean;
}

export interface TranscriptFile {
  name: string;
  title: string;
  serverArgs: string[];
  transcripts: Transcript[];
}

const ESCAPES: Record<string, string> = { r: '\r', n: '\n', t: '\t', '0': '\0', '\\': '\\' };

/** Replaces the escapes; what a repetition repeats may hold some, but no closing brace. */
function withoutEscapes(text: string): string {
  return text.replace(
    /\\(?:x([0-9a-fA-F]{2})|\{(\d+):([^}]*)\}|(.))/gs,
    (_, hex?: string, count?: string, repeated?: string, name?: string) => {
      if (hex) return String.fromCharCode(Number.parseInt(hex, 16));
      if (count) return withoutEscapes(repeated ?? '').repeat(Number(count));
      const found = ESCAPES[name ?? ''];
      if (found === undefined) throw new Error(`no escape \\${name}`);
      return found;
    },
  );
}

/** The bytes that the lines of a block stand for. */
export function blockBytes(lines: readonly string[]): Buffer {
  return Buffer.from(withoutEscapes(lines.join('')), 'latin1');
}

export function parseTranscripts(name: string, markdown: string): TranscriptFile {
  const file: TranscriptFile = { name, title: name, serverArgs: [], transcripts: [] };
  let title = '';
  let input: Buffer | null = null;
  let block: { info: string; lines: string[] } | null = null;
  const finish = ({ info, lines }: { info: string; lines: string[] }) => {
    const bytes = blockBytes(lines);
    if (info === 'send') {
      input = bytes;
    } else if (info === 'receive' || info === 'receive closed') {
      if (!title || input === null) throw new Error(`${name}: output without title or input`);
      file.transcripts.push({ title, input, output: bytes, closed: info.endsWith('closed') });
      title = '';
      input = null;
    } else {
      throw new Error(`${name}: a block is marked ${info}`);
    }
  };
  for (const line of markdown.split('\n')) {
    if (line.startsWith('```')) {
      if (block) finish(block);
      block = block ? null : { info: line.slice(3), lines: [] };
    } else if (block) {
      block.lines.push(line);
    } else if (line.startsWith('## ')) {
      if (title) throw new Error(`${name}: nothing follows ${title}`);
      title = line.slice(3);
    } else if (line.startsWith('# ')) {
      file.title = line.slice(2);
    } else if (line.startsWith('Server: ')) {
      file.serverArgs = line.slice(8).split(' ');
    }
  }
  if (title || block) throw new Error(`${name}: ends in the middle of ${title}`);
  return file;
}

/** All transcripts of the folder. */
export function readTranscripts(folder: string): TranscriptFile[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.md') && name !== 'README.md')
    .sort()
    .map((name) => parseTranscripts(name, readFileSync(path.join(folder, name), 'utf8')));
}
