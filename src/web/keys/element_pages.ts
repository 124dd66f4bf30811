// Pages of elements, bounded in number and, as elements may be of any size, in bytes: but for the few that are read
// first, to know how large they are.

import type { CommandArg } from '../../embedded/reply.ts';
import { type DatabaseSession, throwFirstError } from './database_session.ts';

export interface Element {
  /** The same for the same element as long as it is there. */
  readonly id: string;
  readonly cells: readonly Uint8Array[];
}

export interface Page {
  readonly elements: readonly Element[];
  /** Where the next page begins; undefined behind the last one. */
  readonly next: string | undefined;
}

export const PAGE_ELEMENTS = 100;
/** A page ends early when it has about this much. */
export const PAGE_BYTES = 1024 * 1024;
/** Read first, to know how large the elements are. */
const PROBED_ELEMENTS = 8;
/** While something is looked for: elements of a step, and steps of a page. */
const SEARCHED_PER_STEP = 1000;
const SEARCHED_STEPS_MAX = 200;

const decoder = new TextDecoder();

export function elementOf(cells: readonly Uint8Array[], id = cells[0]!.join()): Element {
  return { id, cells };
}

function bytesOf(elements: readonly Element[]): number {
  let bytes = 0;
  for (const { cells } of elements) for (const cell of cells) bytes += cell.length;
  return bytes;
}

/** How many more elements a page takes; 0 when it is full. */
function room(elements: readonly Element[]): number {
  if (elements.length === 0) return PROBED_ELEMENTS;
  const bytes = bytesOf(elements);
  const each = Math.max(1, bytes / elements.length);
  return Math.min(PAGE_ELEMENTS - elements.length, Math.floor((PAGE_BYTES - bytes) / each));
}

/**
 * A page of elements in order. `read` gets where to begin and how many to read. A place is an index, or "(id"
 * for what comes behind an element.
 */
export async function collectPage<Place extends number | string>(
  start: Place,
  read: (place: Place, count: number) => Promise<Element[]>,
): Promise<Page> {
  const elements: Element[] = [];
  let place = start;
  for (let count = room(elements); count > 0; count = room(elements)) {
    const more = await read(place, count);
    elements.push(...more);
    if (more.length < count) return { elements, next: undefined };
    const last = more.at(-1)!.id;
    place = (typeof place === 'number' ? place + more.length : `(${last}`) as Place;
  }
  return { elements, next: typeof place === 'number' ? String(place) : elements.at(-1)!.id };
}

/** A page of what HSCAN, SSCAN or ZSCAN finds, elements of `width` items. */
export async function scanPage(
  session: DatabaseSession,
  command: readonly CommandArg[],
  width: number,
  from = '0',
  wanted = '',
): Promise<Page> {
  const found = new Map<string, Element>();
  const match = wanted === '' ? [] : ['MATCH', patternOf(wanted)];
  let cursor = from;
  // A scan may return less than was asked for, or nothing, and go on all the same.
  for (let step = 0; step < SEARCHED_STEPS_MAX; step += 1) {
    const more = room([...found.values()]);
    if (more <= 0) break;
    const count = wanted === '' ? more : SEARCHED_PER_STEP;
    const replies = await session.bytes([[...command, cursor, ...match, 'COUNT', count]]);
    throwFirstError(replies);
    const [next, items] = replies[0] as [Uint8Array, Uint8Array[]];
    for (let i = 0; i < items.length; i += width) {
      const element = elementOf(items.slice(i, i + width));
      // It may also return an element twice.
      found.set(element.id, element);
    }
    cursor = decoder.decode(next);
    if (cursor === '0') return { elements: [...found.values()], next: undefined };
  }
  return { elements: [...found.values()], next: cursor };
}

/** What was typed is contained; with a wildcard it is a pattern as of KEYS. */
function patternOf(wanted: string): string {
  return /[*?[]/.test(wanted) ? wanted : `*${wanted.replaceAll('\\', '\\\\')}*`;
}
