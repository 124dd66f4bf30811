// A string's value while it is edited: the text that is typed in, and how it becomes bytes again.
//
//   bytes ── draftOf ──> { text, form, ... } ── typed into ──> draft ── bytesOf ──> bytes
//
// A draft that nothing was typed into gives back the bytes it was made of, byte for byte. The one exception says
// so (`isReshaped`): JSON with carriage returns, which a field of the page cannot hold.

import { isJson, type JsonLayout, layoutJson, layoutOf } from './json_layout.ts';
import { decodeText, fromHex, fromText, toHex, toText } from './value_text.ts';

export type Form = 'text' | 'json' | 'hex';

export interface Draft {
  readonly form: Form;
  readonly text: string;
  /** Whether the text is bytes between quotes. */
  readonly isQuoted: boolean;
  /** The layout that JSON has where it is stored; undefined for the one that is shown. */
  readonly layout?: JsonLayout | undefined;
  /** The white space of the value is not what is shown, and will be lost. */
  readonly isReshaped?: boolean;
}

export function bestForm(value: Uint8Array): Form {
  const text = decodeText(value);
  if (text === undefined) return 'hex';
  return isJson(text) ? 'json' : 'text';
}

export function draftOf(value: Uint8Array, form: Form): Draft {
  if (form === 'hex') return { form, text: toHex(value), isQuoted: false };
  const text = form === 'json' ? decodeText(value) : undefined;
  if (text === undefined || !isJson(text)) return { form, ...toText(value) };
  const layout = layoutOf(text);
  const isReshaped = layout === undefined && text.includes('\r');
  const isLaidOut = layout !== undefined || isReshaped;
  return {
    form,
    text: isLaidOut ? layoutJson(text, 'lines') : text,
    isQuoted: false,
    layout,
    isReshaped,
  };
}

/** Throws when the draft stands for no bytes, or not for JSON where it has to. */
export function bytesOf({ form, text, isQuoted, layout }: Draft): Uint8Array {
  if (form === 'hex') return fromHex(text);
  if (form === 'text') return fromText(text, isQuoted);
  if (!isQuoted) return fromText(layoutStored(text, layout), false);
  const bytes = fromText(text, true);
  JSON.parse(decodeText(bytes) ?? '');
  return bytes;
}

/** The draft laid out on purpose: it is stored as it is shown. */
export function reshaped(draft: Draft, layout: JsonLayout): Draft {
  return { ...draft, text: layoutJson(draft.text, layout), layout: undefined, isReshaped: false };
}

function layoutStored(text: string, layout: JsonLayout | undefined): string {
  if (layout !== undefined && layout !== 'lines') return layoutJson(text, layout);
  JSON.parse(text);
  return text;
}
