// What a screen reader is told when the line being typed has changed. The characters that are typed it says by
// itself; what else happens to the line is only to be seen.

/** The line editor, as far as it is shown. */
export interface EditorState {
  readonly text: string;
  readonly cursor: number;
  readonly searchText: string | undefined;
  readonly candidates: { readonly list: readonly string[]; readonly index: number } | undefined;
}

export const EMPTY_LINE: EditorState = {
  text: '',
  cursor: 0,
  searchText: undefined,
  candidates: undefined,
};

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Undefined when there is nothing to tell. */
export function spokenChange(before: EditorState, after: EditorState): string | undefined {
  const { text, cursor, searchText, candidates } = after;
  if (searchText !== undefined) {
    if (searchText === before.searchText && text === before.text) return undefined;
    if (searchText === '') return 'Search in earlier lines';
    return text.includes(searchText) ? text : `${searchText} was not found`;
  }
  if (candidates !== undefined && candidates.list !== before.candidates?.list) {
    return candidates.list.join(', ');
  }
  if (candidates !== undefined && candidates.index >= 0) return candidates.list[candidates.index];
  // The search has ended: this is the line that it leaves.
  if (before.searchText !== undefined) return text === '' ? 'empty line' : text;
  if (text === before.text) {
    return cursor === before.cursor ? undefined : (firstCharacter(text.slice(cursor)) ?? 'end');
  }
  return spokenEdit(before, after);
}

function spokenEdit(before: EditorState, { text, cursor }: EditorState): string | undefined {
  const behind = text.slice(cursor);
  if (before.text.endsWith(behind)) {
    const old = before.text.slice(0, before.text.length - behind.length);
    const now = text.slice(0, cursor);
    const isTyped = now.startsWith(old) && isOneCharacter(now.slice(old.length));
    if (isTyped) return undefined;
    // Deleted before the cursor.
    if (old.startsWith(now) && text !== '') return old.slice(now.length);
  }
  if (cursor === before.cursor && before.text.startsWith(text.slice(0, cursor))) {
    const deleted = before.text.slice(cursor, before.text.length - behind.length);
    if (before.text.endsWith(behind) && deleted !== '') return deleted;
  }
  return text === '' ? 'empty line' : text;
}

function firstCharacter(text: string): string | undefined {
  return segmenter.segment(text)[Symbol.iterator]().next().value?.segment;
}

function isOneCharacter(text: string): boolean {
  return text !== '' && firstCharacter(text) === text;
}
