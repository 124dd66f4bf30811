// Questions and forms in the browser's own dialog element: focus stays inside, Escape closes, focus returns.

import { html, render, type TemplateResult } from 'lit-html';

export interface DialogButton<T> {
  readonly label: string;
  readonly value: T;
  readonly kind?: 'primary' | 'danger' | 'plain';
}

/**
 * Undefined when it was closed without an answer. The first button is on the right, and Enter means it, unless it
 * is dangerous: then Enter means "Cancel".
 */
export function ask<T>(
  title: string,
  body: TemplateResult | string,
  buttons: readonly DialogButton<T>[],
): Promise<T | undefined> {
  const isDangerous = buttons[0]?.kind === 'danger';
  return openDialog<T>((close) => ({
    title,
    body: html`${typeof body === 'string' ? html`<p>${body}</p>` : body}
      <div class="dialog-buttons">
        ${buttons.map(
          ({ label, value, kind = 'plain' }) =>
            html`<button type="button" class="button ${kind}" @click=${() => close(value)}>${label}</button>`,
        )}
        <button
          type="button"
          class="button plain"
          ?autofocus=${isDangerous}
          @click=${() => close(undefined)}
        >
          Cancel
        </button>
      </div>`,
  }));
}

export interface DialogContent {
  readonly title: string;
  readonly body: TemplateResult;
}

/** `make` gets the function that closes the dialog with a result, and one that draws it again. */
export function openDialog<T>(
  make: (close: (result: T | undefined) => void, update: () => void) => DialogContent,
): Promise<T | undefined> {
  return new Promise((resolve) => {
    const dialog = document.createElement('dialog');
    let result: T | undefined;
    const close = (value: T | undefined) => {
      result = value;
      dialog.close();
    };
    const update = () => {
      const { title, body } = make(close, update);
      render(
        html`<div class="dialog-head">
            <h2 id="dialog-title">${title}</h2>
            <button type="button" class="icon-button" aria-label="Close" @click=${() => close(undefined)}>
              <svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><path d="M5 5l10 10M15 5L5 15" /></svg>
            </button>
          </div>
          <div class="dialog-body">${body}</div>`,
        dialog,
      );
    };
    dialog.setAttribute('aria-labelledby', 'dialog-title');
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(result);
    });
    closeFromOutside(dialog, () => close(undefined));
    update();
    document.body.append(dialog);
    dialog.showModal();
    const first =
      dialog.querySelector<HTMLElement>('[autofocus]') ??
      dialog.querySelector<HTMLElement>('input, textarea, .dialog-body button');
    first?.focus();
  });
}

/** A click beside the dialog is one on the dialog element itself; a drag that only ends there is none. */
function closeFromOutside(dialog: HTMLDialogElement, close: () => void): void {
  let hasBegunOutside = false;
  dialog.addEventListener('pointerdown', ({ target }) => {
    hasBegunOutside = target === dialog;
  });
  dialog.addEventListener('click', ({ target }) => {
    if (target === dialog && hasBegunOutside) close();
  });
}
