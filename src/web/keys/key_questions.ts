// What is asked about a key.

import { html } from 'lit-html';
import { ask, openDialog } from '../ui/dialog.ts';

export interface TextQuestion {
  readonly title: string;
  readonly label: string;
  readonly initial: string;
  /** The reason why a text is no answer. */
  fault?(text: string): string | undefined;
}

/** One line of text; undefined when the question was closed. */
export function askText({
  title,
  label,
  initial,
  fault: faultOf,
}: TextQuestion): Promise<string | undefined> {
  let fault = '';
  return openDialog<string>((close, update) => ({
    title,
    body: html`<form
      @submit=${(event: SubmitEvent) => {
        event.preventDefault();
        const text = new FormData(event.target as HTMLFormElement).get('text') as string;
        fault = faultOf?.(text) ?? '';
        if (fault === '') close(text);
        else update();
      }}
    >
      <label class="field">
        <span>${label}</span>
        <input
          name="text"
          .defaultValue=${initial}
          autocomplete="off"
          spellcheck="false"
          autofocus
        />
      </label>
      <p class="fault" role="alert">${fault}</p>
      <div class="dialog-buttons">
        <button class="button primary">OK</button>
        <button type="button" class="button plain" @click=${() => close(undefined)}>Cancel</button>
      </div>
    </form>`,
  }));
}

/** A time to live that can be set, in seconds: some 300 years at most. */
export function isTimeToLive(text: string): boolean {
  return /^[1-9]\d{0,9}$/.test(text.trim());
}

/** Whether what was typed may go. */
export async function askToDiscard(key: string): Promise<boolean> {
  const answer = await ask('Discard what you typed?', `What you typed into ${key} is not saved.`, [
    { label: 'Discard', value: true, kind: 'danger' },
  ]);
  return answer === true;
}
