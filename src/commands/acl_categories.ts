// ACL categories: their names, in the order in which Redis lists them, and which of them follow
// from a command's flags.

import type { CommandFlag } from './spec.ts';

export const ACL_CATEGORIES = [
  'keyspace',
  'read',
  'write',
  'set',
  'sortedset',
  'list',
  'hash',
  'string',
  'bitmap',
  'hyperloglog',
  'geo',
  'stream',
  'pubsub',
  'admin',
  'fast',
  'slow',
  'blocking',
  'dangerous',
  'connection',
  'transaction',
  'scripting',
] as const;

export type AclCategory = (typeof ACL_CATEGORIES)[number];

/** Bit of a category in CompiledCommand.categoryBits and in the core's records. */
export function aclCategoryBit(category: AclCategory): number {
  return 2 ** ACL_CATEGORIES.indexOf(category);
}

/** The declared categories plus those that the flags imply, in the order of ACL_CATEGORIES. */
export function withImpliedCategories(
  flags: readonly CommandFlag[],
  declared: readonly AclCategory[],
): AclCategory[] {
  const all = new Set<AclCategory>(declared);
  if (flags.includes('write')) all.add('write');
  // A script that is declared read-only still runs arbitrary commands.
  if (flags.includes('readonly') && !all.has('scripting')) all.add('read');
  if (flags.includes('admin')) all.add('admin').add('dangerous');
  if (flags.includes('pubsub')) all.add('pubsub');
  if (flags.includes('fast')) all.add('fast');
  if (flags.includes('blocking')) all.add('blocking');
  if (!all.has('fast')) all.add('slow');
  return ACL_CATEGORIES.filter((category) => all.has(category));
}
