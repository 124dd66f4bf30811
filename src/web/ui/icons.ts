// Icons, drawn in lines on a field of 20 by 20.

import { html, type SVGTemplateResult, svg, type TemplateResult } from 'lit-html';

const PATHS = {
  keys: 'M3 5h14M6 10h11M9 15h8',
  terminal: 'M4 6l4 4-4 4M10.5 14.5H16',
  charts: 'M3 16.5h14M5 13l3.5-4 3 2.5L16 5',
  commands:
    'M5 3.5h8.5A1.5 1.5 0 0 1 15 5v12H6.5A1.5 1.5 0 0 1 5 15.5zM5 15.5A1.5 1.5 0 0 1 6.5 14H15M8 7h4',
  benchmark: 'M4 15a6.5 6.5 0 1 1 12 0M10 12.5l3-4',
  data: 'M4 5.5C4 4 7 3.5 10 3.5s6 .5 6 2-3 2-6 2-6-.5-6-2zm0 0v9c0 1.500 3 2 6 2s6-.5 6-2v-9M4 10c0 1.500 3 2 6 2s6-.5 6-2',
  plus: 'M10 4v12M4 10h12',
  trash: 'M4 6h12M8 6V4h4v2M6 6l.7 10h6.6L14 6M8.500 9v4.500M11.500 9v4.500',
  close: 'M5 5l10 10M15 5L5 15',
  edit: 'M4 16l.7-3.200L13 4.500l2.500 2.500-8.300 8.300z',
  copy: 'M7.500 7.500h8v8h-8zM12.500 7.500v-3h-8v8h3',
  clock: 'M10 3.500a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13zM10 6.500V10l2.500 1.500',
  chevron: 'M8 5.500l4.500 4.500L8 14.500',
  play: 'M6.500 4.500v11l9-5.500z',
  stop: 'M6 6h8v8H6z',
  sun: 'M10 7a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM10 2.500v2M10 15.500v2M2.500 10h2M15.500 10h2M4.700 4.700l1.400 1.400M13.900 13.900l1.400 1.400M4.700 15.300l1.400-1.400M13.900 6.100l1.400-1.400',
  moon: 'M16 11.500A6.500 6.500 0 0 1 8.500 4a6.500 6.500 0 1 0 7.500 7.500z',
  download: 'M10 3.500v9M6.500 9.500l3.500 3.500 3.500-3.500M4 16.500h12',
  upload: 'M10 13V4M6.500 7l3.500-3.500L13.500 7M4 16.500h12',
  link: 'M8.500 11.500l3-3M9 6.500l1.500-1.500a3.200 3.200 0 0 1 4.500 4.500L13.500 11M11 13.500L9.500 15A3.200 3.200 0 0 1 5 10.500L6.500 9',
  search: 'M9 4a5 5 0 1 0 0 10A5 5 0 0 0 9 4zM12.700 12.700L16.500 16.500',
  back: 'M12 5l-5 5 5 5',
} as const;

export type IconName = keyof typeof PATHS;

export function icon(name: IconName): TemplateResult {
  const path: SVGTemplateResult = svg`<path d=${PATHS[name]} />`;
  return html`<svg class="icon" viewBox="0 0 20 20" aria-hidden="true">${path}</svg>`;
}
