// Files that are dropped onto the page, or pasted into it.

import { fieldOf } from './ui/elements.ts';

export function installDrop(overlay: HTMLElement, onFile: (file: File) => void): void {
  let depth = 0;
  const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
  const setShown = (isShown: boolean) => {
    overlay.hidden = !isShown;
  };
  addEventListener('dragenter', (event) => {
    if (!hasFiles(event)) return;
    depth += 1;
    setShown(true);
  });
  addEventListener('dragleave', (event) => {
    if (!hasFiles(event)) return;
    depth = Math.max(0, depth - 1);
    if (depth === 0) setShown(false);
  });
  addEventListener('dragover', (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  addEventListener('drop', (event) => {
    depth = 0;
    setShown(false);
    const file = event.dataTransfer?.files[0];
    if (file === undefined) return;
    event.preventDefault();
    onFile(file);
  });
  const onPaste = (event: ClipboardEvent) => {
    const { clipboardData, target } = event;
    const file = clipboardData?.files[0];
    if (file === undefined || clipboardData?.types.includes('text/plain')) return;
    // What is pasted into a field is meant for it; the terminal takes no files.
    const field = fieldOf(target);
    if (field !== undefined && field.closest('#terminal') === null) return;
    event.preventDefault();
    event.stopPropagation();
    onFile(file);
  };
  // Before the terminal, which keeps pastes to itself.
  addEventListener('paste', onPaste, { capture: true });
}
