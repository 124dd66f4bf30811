// What is to become of a dump that somebody brought.

import { html, nothing } from 'lit-html';
import { ask, type DialogButton } from '../ui/dialog.ts';
import { formatBytes, plural } from '../ui/format.ts';

/** Beside the stored data; in their place; added, with keys on both sides from the dump, or as they are. */
export type ImportChoice = 'separate' | 'replace' | 'overwrite' | 'keep';

export interface ImportFacts {
  readonly title: string;
  readonly bytes: number;
  readonly keys: number;
  /** Keys that are there already. */
  readonly present: number;
  /** Databases of the dump that the data here have not. */
  readonly beyond: readonly number[];
}

export function importQuestion(facts: ImportFacts): Promise<ImportChoice | undefined> {
  const { title, bytes, keys, present, beyond } = facts;
  const separate: DialogButton<ImportChoice> = {
    label: 'Look at it separately',
    value: 'separate',
  };
  const buttons: DialogButton<ImportChoice>[] =
    present === 0
      ? [{ label: 'Load', value: 'overwrite', kind: 'primary' }, separate]
      : [
          { label: 'Add, the file’s values win', value: 'overwrite', kind: 'primary' },
          { label: 'Add, mine win', value: 'keep' },
          separate,
          { label: 'Replace my data', value: 'replace', kind: 'danger' },
        ];
  return ask(
    'Load a snapshot',
    html`<p><strong>${title}</strong> holds ${plural(keys, 'key')} (${formatBytes(bytes)}).</p>
      <p>${
        present === 0
          ? 'There are no data here yet.'
          : `There ${present === 1 ? 'is' : 'are'} ${plural(present, 'key')} here already. Nothing of that changes unless you say so.`
      }</p>
      ${
        beyond.length === 0
          ? nothing
          : html`<p>
              ${beyond.length === 1 ? 'Database' : 'Databases'} ${beyond.join(', ')} of it can only
              be looked at separately: the data here have no such database.
            </p>`
      }`,
    buttons,
  );
}
