// `support/targets.ts` for tests that run in a page: the page is the only target.

import { RESPITE } from '../../support/releases.ts';
import type { Target } from '../../support/targets.ts';

export { isOlder } from '../../support/releases.ts';

export function coreSelected(): boolean {
  return false;
}

export function selectedTargets(): Target[] {
  return [{ name: 'page', kind: 'respite', args: [], ...RESPITE, available: true }];
}
