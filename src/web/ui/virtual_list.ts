// A list of rows of one height, of which only those in sight exist. It takes the keyboard as one thing: the row
// at hand is named by aria-activedescendant.

import { html, render, type TemplateResult } from 'lit-html';

export interface VirtualListOptions {
  /** Scrolls; is as high as the page gives it. */
  readonly host: HTMLElement;
  readonly rowHeight: number;
  /** Draws a row as an element with this `id`; where it is to be is the list's business. */
  row(index: number, id: string, isActive: boolean): TemplateResult;
  /** The rows in sight have changed. */
  onShown?(from: number, to: number): void;
}

const OVERSCAN = 8;

export class VirtualList {
  private readonly options: VirtualListOptions;
  private readonly observer: ResizeObserver;
  private count = 0;
  private activeIndex = -1;
  private frame = 0;

  constructor(options: VirtualListOptions) {
    this.options = options;
    options.host.addEventListener('scroll', () => this.drawSoon(), { passive: true });
    this.observer = new ResizeObserver(() => this.drawSoon());
    this.observer.observe(options.host);
  }

  get active(): number {
    return this.activeIndex;
  }

  get rowsPerPage(): number {
    return Math.max(1, Math.floor(this.options.host.clientHeight / this.options.rowHeight) - 1);
  }

  /** Takes other rows; `active` is where the row at hand is among them. */
  setCount(count: number, active = this.activeIndex): void {
    this.count = count;
    this.activeIndex = Math.min(active, count - 1);
    this.drawSoon();
  }

  /** Makes a row the one at hand, and scrolls to it. */
  activate(index: number): void {
    if (this.count === 0) return;
    // The rows may need more room than they have: there is nowhere to scroll to before they are drawn.
    this.draw();
    this.activeIndex = Math.max(0, Math.min(index, this.count - 1));
    const { host, rowHeight } = this.options;
    const top = this.activeIndex * rowHeight;
    if (top < host.scrollTop) host.scrollTop = top;
    const overlap = top + rowHeight - host.scrollTop - host.clientHeight;
    if (overlap > 0) host.scrollTop += overlap;
    this.draw();
  }

  drawSoon(): void {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    this.observer.disconnect();
  }

  private draw(): void {
    const { host, rowHeight, row, onShown } = this.options;
    const from = Math.max(0, Math.floor(host.scrollTop / rowHeight) - OVERSCAN);
    const visible = Math.ceil(host.clientHeight / rowHeight) + 2 * OVERSCAN;
    const to = Math.min(this.count, from + visible);
    const rows: TemplateResult[] = [];
    for (let i = from; i < to; i += 1) rows.push(row(i, `${host.id}-${i}`, i === this.activeIndex));
    render(
      html`<div role="presentation" style="height:${this.count * rowHeight}px">
        <div role="presentation" style="transform:translateY(${from * rowHeight}px)">${rows}</div>
      </div>`,
      host,
    );
    if (this.activeIndex >= from && this.activeIndex < to) {
      host.setAttribute('aria-activedescendant', `${host.id}-${this.activeIndex}`);
    } else {
      host.removeAttribute('aria-activedescendant');
    }
    onShown?.(from, to);
  }
}
