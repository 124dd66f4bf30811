// Replies as redis-cli shows them to a person, byte for byte.
//
//   1) "a"              array, push: )     set: ~
//   2) 1) (integer) 5   what is nested is indented by the width of the number in front of it
//   1# "k" => "v"       map
//
// Texts that are long by nature (INFO, CLIENT LIST, ...) are shown as they are; which ones, the client
// has to know by name.

import { quoteBytes } from '../../util/quote.ts';
import type { AggregateKind, RawReply } from '../resp/raw_reply.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const EMPTY: Readonly<Record<AggregateKind, string>> = {
  array: '(empty array)',
  map: '(empty hash)',
  set: '(empty set)',
  push: '(empty push)',
};

/** Lines, each with its line feed. */
export function renderReply(reply: RawReply, indent = ''): string {
  switch (reply.kind) {
    case 'status':
    case 'big-number':
      return `${reply.text}\n`;
    case 'error':
      return `(error) ${reply.text}\n`;
    case 'integer':
    case 'double':
      return `(${reply.kind}) ${reply.text}\n`;
    case 'bulk':
      return `${quoteBytes(reply.bytes)}\n`;
    case 'verbatim':
      return `${decoder.decode(reply.bytes)}\n`;
    case 'nil':
      return '(nil)\n';
    case 'boolean':
      return reply.value ? '(true)\n' : '(false)\n';
    default:
      return renderItems(reply.kind, reply.items, indent);
  }
}

function renderItems(kind: AggregateKind, items: readonly RawReply[], indent: string): string {
  if (items.length === 0) return `${EMPTY[kind]}\n`;
  const step = kind === 'map' ? 2 : 1;
  const digits = String(items.length / step).length;
  const inner = indent + ' '.repeat(digits + 2);
  const mark = kind === 'set' ? '~' : kind === 'map' ? '#' : ')';
  let text = '';
  for (let i = 0; i < items.length; i += step) {
    const number = String(i / step + 1).padStart(digits);
    // The one who shows what is around has indented the first line.
    text += `${i === 0 ? '' : indent}${number}${mark} ${renderReply(items[i]!, inner)}`;
    if (kind === 'map') {
      text = `${text.slice(0, -1)} => ${renderValue(items[i + 1]!, inner)}`;
    }
  }
  return text;
}

/** A map's value: one of several lines begins on a line of its own, so that its numbers are in line. */
function renderValue(value: RawReply, indent: string): string {
  const text = renderReply(value, indent);
  return takesSeveralLines(value) ? `\n${indent}${text}` : text;
}

function takesSeveralLines(reply: RawReply): boolean {
  if (!('items' in reply) || reply.items.length === 0) return false;
  if (reply.kind === 'map') return reply.items.length > 2 || takesSeveralLines(reply.items[1]!);
  return reply.items.length > 1 || takesSeveralLines(reply.items[0]!);
}

/** A reply without quotes and types. */
export function renderPlain(reply: RawReply): string {
  switch (reply.kind) {
    case 'nil':
      return '';
    case 'error':
      return `${reply.text}\n`;
    case 'bulk':
    case 'verbatim':
      return decoder.decode(reply.bytes);
    case 'boolean':
      return reply.value ? '(true)' : '(false)';
    case 'array':
    case 'set':
    case 'push':
      return reply.items.map(renderPlain).join('\n');
    case 'map': {
      const lines: string[] = [];
      for (let i = 0; i < reply.items.length; i += 2) {
        lines.push(`${renderPlain(reply.items[i]!)} ${renderPlain(reply.items[i + 1]!)}`);
      }
      return lines.join('\n');
    }
    default:
      return reply.text;
  }
}

/** Whether the client shows the command's reply plainly. */
export function isShownPlainly(words: readonly string[]): boolean {
  const [name = '', sub = ''] = words.map((word) => word.toLowerCase());
  switch (name) {
    case 'info':
    case 'lolwut':
      return true;
    case 'debug':
      return ['htstats', 'htstats-key', 'client-eviction'].includes(sub);
    case 'memory':
      return ['malloc-stats', 'doctor'].includes(sub);
    case 'cluster':
      return words.length === 2 && ['nodes', 'info'].includes(sub);
    case 'client':
      return ['list', 'info'].includes(sub);
    case 'latency':
      return (words.length === 3 && sub === 'graph') || (words.length === 2 && sub === 'doctor');
    default:
      return false;
  }
}

/** A message that tells of keys that were cached and have changed; undefined when it is another one. */
export function renderInvalidation(message: RawReply): string | undefined {
  if (message.kind !== 'push' || message.items.length !== 2) return undefined;
  const [name, keys] = message.items as [RawReply, RawReply];
  if (name.kind !== 'bulk' || decoder.decode(name.bytes) !== 'invalidate') return undefined;
  if (keys.kind !== 'array') return undefined;
  const names = keys.items.map(
    (key) => `'${key.kind === 'bulk' ? decoder.decode(key.bytes) : ''}'`,
  );
  return `-> invalidate: ${names.join(', ')}\n`;
}
