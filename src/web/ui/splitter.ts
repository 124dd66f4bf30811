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
  let wanted = Number(readSetting(property)) || options.initial;
  let size = wanted;
  const apply = () => {
    const extent = isRow ? target.clientHeight : target.clientWidth;
    // While the panes are not shown, they have no size to fit into.
    const max = extent > 0 ? Math.max(min, extent - rest) : Number.POSITIVE_INFINITY;
    size = Math.round(Math.max(min, Math.min(wanted, max)));
    target.style.setProperty(property, `${size}px`);
    handle.setAttribute('aria-valuenow', String(size));
    if (extent > 0) handle.setAttribute('aria-valuemax', String(max));
  };
  handle.setAttribute('role', 'separator');
  handle.setAttribute('aria-orientation', isRow ? 'horizontal' : 'vertical');
  handle.setAttribute('aria-valuemin', String(min));
  handle.tabIndex = 0;
  const move = (to: number) => {
    wanted = to;
    apply();
    wanted = size;
  };
  apply();
  // A window that was small for a while leaves the size that was chosen.
  new ResizeObserver(apply).observe(target);
  handle.addEventListener('pointerdown', (down) => {
    handle.setPointerCapture(down.pointerId);
    const start = (isRow ? down.clientY : down.clientX) - size;
    const follow = (event: PointerEvent) => move((isRow ? event.clientY : event.clientX) - start);
    handle.addEventListener('pointermove', follow);
    // After pointerup and pointercancel alike.
    handle.addEventListener(
      'lostpointercapture',
      () => {
        handle.removeEventListener('pointermove', follow);
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
    move(size + (event.key === more ? KEY_STEP : -KEY_STEP));
    writeSetting(property, String(size));
  });
}
