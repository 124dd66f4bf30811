// The form that makes a key of any type.

import { html, nothing } from 'lit-html';
import { openDialog } from '../ui/dialog.ts';
import type { DatabaseSession } from './database_session.ts';
import { displayKey, nameOfKey } from './key_names.ts';
import { isTimeToLive } from './key_questions.ts';
import { NEW_TYPES, type NewType, newKeyCommand } from './new_key_command.ts';
import { fromTyped } from './value_text.ts';

const HELP: Readonly<Record<NewType, string>> = {
  string: 'The value, as it is; bytes as "\\xff\\x00".',
  hash: 'One field a line, its value behind it: name Ada',
  list: 'One element a line.',
  set: 'One member a line.',
  zset: 'One member a line, its score in front: 1.5 Ada',
  stream: 'The fields of the first entry, one a line: celsius 21.5',
};
const LABELS: Readonly<Record<NewType, string>> = {
  string: 'String',
  hash: 'Hash',
  list: 'List',
  set: 'Set',
  zset: 'Sorted set',
  stream: 'Stream',
};

/** Asks for a key and makes it. Returns its name, or undefined when the form was closed. */
export function askNewKey(session: DatabaseSession): Promise<string | undefined> {
  let type: NewType = 'string';
  let fault = '';
  return openDialog<string>((close, update) => {
    const submit = async (event: SubmitEvent) => {
      event.preventDefault();
      const data = new FormData(event.target as HTMLFormElement);
      try {
        const key = fromTyped(String(data.get('key')));
        const seconds = String(data.get('ttl')).trim();
        if (seconds !== '' && !isTimeToLive(seconds)) {
          throw new Error('The time to live is a number of seconds, or empty.');
        }
        await make(session, type, key, String(data.get('value')).replaceAll('\r\n', '\n'), seconds);
        close(nameOfKey(key));
      } catch (error) {
        fault = (error as Error).message;
        update();
      }
    };
    return {
      title: 'New key',
      body: html`<form @submit=${submit}>
        <label class="field">
          <span>Name</span>
          <input name="key" placeholder="user:1" autocomplete="off" spellcheck="false" autofocus />
        </label>
        <fieldset class="choices">
          <legend>Type</legend>
          ${NEW_TYPES.map(
            (each) =>
              html`<label class="choice"
                ><input type="radio" name="type" value=${each} ?checked=${each === type} @change=${() => {
                  type = each;
                  update();
                }} /><span>${LABELS[each]}</span></label
              >`,
          )}
        </fieldset>
        <label class="field"
          ><span>Value</span><textarea name="value" rows="5" spellcheck="false" aria-describedby="new-key-help"></textarea>
          <small id="new-key-help" class="muted">${HELP[type]}</small></label
        >
        <label class="field">
          <span>Time to live</span>
          <input
            name="ttl"
            inputmode="numeric"
            placeholder="seconds; empty for ever"
            autocomplete="off"
          />
        </label>
        ${fault === '' ? nothing : html`<p class="fault" role="alert">${fault}</p>`}
        <div class="dialog-buttons">
          <button class="button primary">Create</button>
          <button type="button" class="button plain" @click=${() => close(undefined)}>Cancel</button>
        </div>
      </form>`,
    };
  });
}

/** Makes the key, unless there is one. */
async function make(
  session: DatabaseSession,
  type: NewType,
  key: Uint8Array,
  value: string,
  seconds: string,
): Promise<void> {
  const command = newKeyCommand(type, key, value);
  await session.guarded(key, [['EXISTS', key]], ([exists]) => {
    if (exists !== 0) throw new Error(`There is a key ${displayKey(nameOfKey(key))} already.`);
    return seconds === '' ? [command] : [command, ['EXPIRE', key, seconds]];
  });
}
