// What tabs with one store tell each other, and what the locks and channels are called.
//
//   lock     respite:<store>             held by the leader; the others wait for it
//   lock     respite:<store>:tab:<tab>   held by each tab as long as it lives
//   channel  respite:<store>             TabMessage, to all
//   channel  respite:<store>:<link>      one connection: Ready, then what port_link.ts says
//
// Pages and workers of an origin have these in common, without any header. "Tab" is whatever opened the store:
// a page, a worker, or one of two stores that one page opened by the same name.

import { RespiteError } from '../../embedded/errors.ts';
import type { LinkOptions } from '../../embedded/link.ts';
import { reasonOf } from '../../util/reason_of.ts';
import type { EndNotice } from '../port_link.ts';

/** Options that all tabs have to agree on, by name. */
export type SharedSettings = Readonly<Record<string, unknown>>;

export type TabMessage =
  /** A tab asks for the leader. */
  | { readonly type: 'hello'; readonly tab: string; readonly settings: SharedSettings }
  /** The leader's answer, with all settings as they are. */
  | {
      readonly type: 'welcome';
      readonly to: string;
      readonly leader: string;
      readonly settings: SharedSettings;
    }
  /** The leader's answer to a tab that wants something else. */
  | { readonly type: 'refused'; readonly to: string; readonly error: EndNotice }
  /** A new leader has begun to load the data; the one before is gone. */
  | { readonly type: 'election'; readonly leader: string }
  /** It has the data. */
  | { readonly type: 'leader'; readonly leader: string }
  /** A tab wants a connection, or one dump of the data. */
  | {
      readonly type: 'connect';
      readonly to: string;
      readonly tab: string;
      readonly link: string;
      readonly wants: LinkOptions | 'export';
    };

/** The leader's first message on a connection's channel. */
export interface Ready {
  readonly ready: string;
}

export const lockName = (store: string) => `respite:${store}`;
export const tabLockName = (store: string, tab: string) => `respite:${store}:tab:${tab}`;
export const channelName = (store: string, link?: string) =>
  link === undefined ? `respite:${store}` : `respite:${store}:${link}`;

/** Why there is no lock: a sandboxed frame has them, and may not use them. */
export function locksRefused(cause: unknown): RespiteError {
  const reason = reasonOf(cause);
  return new RespiteError('UNSUPPORTED', `This page may not use Web Locks: ${reason}`, { cause });
}
