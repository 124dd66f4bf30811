// A line between two panes that is moved with the pointer or the arrow keys. Its place is remembered.

import { readSetting, writeSetting } from './settings.ts';

export interface SplitterOptions {
  readonly handle: HTMLElement;
  /** Element with the custom property that holds the size. */
  readonly target: HTMLElement;
  readonly property: string;
  readonly direction: 'row' | 'column';
  readonly initial: number;
  readonly min: number;
  /** Room that has to be left for the other pane. */
  readonly rest: number;
}

const KEY_STEP = 24;

export function installSplitter(options: SplitterOptions): void {
  const { handle, target, property, direction, min, rest } = options;
  const isRow = direction === 'row';
  let size = Number(readSetting(property)) || options.initial;
  const extent = () => (isRow ? target.clientHeight : target.clientWidth);
  const apply = (wanted: number) => {
    size = Math.round(Math.max(min, Math.min(wanted, Math.max(min, extent() - rest))));
    target.style.setProperty(property, `${size}px`);
    handle.setAttribute('aria-valuenow', String(size));
    handle.setAttribute('aria-valuemax', String(Math.max(min, extent() - rest)));
  };
  handle.setAttribute('role', 'separator');
  handle.setAttribute('aria-orientation', isRow ? 'horizontal' : 'vertical');
  handle.setAttribute('aria-valuemin', String(min));
  handle.tabIndex = 0;
  apply(size);
  handle.addEventListener('pointerdown', (down) => {
    handle.setPointerCapture(down.pointerId);
    const start = (isRow ? down.clientY : down.clientX) - size;
    const move = (event: PointerEvent) => apply((isRow ? event.clientY : event.clientX) - start);
    handle.addEventListener('pointermove', move);
    handle.addEventListener(
      'pointerup',
      () => {
        handle.removeEventListener('pointermove', move);
        writeSetting(property, String(size));
      },
      { once: true },
    );
  });
  handle.addEventListener('keydown', (event) => {
    const less = isRow ? 'ArrowUp' : 'ArrowLeft';
    const more = isRow ? 'ArrowDown' : 'ArrowRight';
    if (event.key !== less && event.key !== more) return;
    event.preventDefault();
    apply(size + (event.key === more ? KEY_STEP : -KEY_STEP));
    writeSetting(property, String(size));
  });
}
