// What the parts of the page ask of its elements.

/** An element of index.html. */
export function element(id: string): HTMLElement {
  return document.getElementById(id)!;
}

/** The field that is typed into; undefined where keys have no meaning of their own. */
export function fieldOf(target: EventTarget | null): HTMLElement | undefined {
  if (!(target instanceof Element)) return undefined;
  const field = target.closest<HTMLElement>('input, textarea, select, [contenteditable]');
  return field ?? undefined;
}

/** The digit of Alt and a digit; in a field only where the two do not type something else, as on a Mac. */
export function altDigit(
  { code, key }: Pick<KeyboardEvent, 'code' | 'key'>,
  isField: boolean,
): string | undefined {
  const digit = /^Digit(\d)$/.exec(code)?.[1];
  return isField && key !== digit ? undefined : digit;
}
