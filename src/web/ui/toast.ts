// Short messages at the edge of the page, read out by screen readers. Errors stay until they are closed.

import { reasonOf } from '../../util/reason_of.ts';

const NOTE_MS = 5000;
const SHOWN_MAX = 4;

export function showNote(text: string): void {
  show(text, 'note');
}

export function showError(error: unknown): void {
  const text = reasonOf(error);
  show(text, 'error');
}

export interface Progress {
  show(done: number, total: number): void;
  end(): void;
}

/** A message that stays while something goes on, with a bar once it is known how far that is. */
export function showProgress(text: string): Progress {
  const toast = document.createElement('div');
  toast.className = 'toast note';
  const message = document.createElement('span');
  message.textContent = `${text} …`;
  const bar = document.createElement('progress');
  bar.setAttribute('aria-label', text);
  toast.append(message, bar);
  document.getElementById('notes')?.append(toast);
  return {
    show: (done, total) => {
      bar.max = Math.max(1, total);
      bar.value = done;
    },
    end: () => toast.remove(),
  };
}

function show(text: string, kind: 'note' | 'error'): void {
  const region = document.getElementById(kind === 'error' ? 'alerts' : 'notes');
  if (region === null) return;
  const last = region.lastElementChild;
  if (last instanceof HTMLElement && last.dataset.text === text) return;
  const toast = document.createElement('div');
  toast.className = `toast ${kind}`;
  toast.dataset.text = text;
  const message = document.createElement('span');
  message.textContent = text;
  const close = document.createElement('button');
  close.type = 'button';
  close.className = 'icon-button';
  close.setAttribute('aria-label', 'Dismiss');
  close.textContent = '\u00d7';
  close.addEventListener('click', () => toast.remove());
  toast.append(message, close);
  region.append(toast);
  while (region.childElementCount > SHOWN_MAX) region.firstElementChild?.remove();
  if (kind === 'note') setTimeout(() => toast.remove(), NOTE_MS);
}
