// Entry file for unit tests of struct/dict.ts and struct/member_table.ts; it is in no product.
import { Bucket, Dict, dictScanBucket, dictScanNext } from '../struct/dict';
import { Member, MemberTable, memberMinExpiry } from '../struct/member_table';

export { allocInit, free, tryAlloc, usedBytes } from '../memory/alloc';
export { linearMemoryBytes } from '../memory/pages';
export { dictShrink } from '../struct/dict';
export * from '../struct/member_table';
export { randomU64, seedRandom } from '../util/prng';
export { hashBytes, setHashSeed } from '../util/siphash';

export function memberLen(m: usize): u32 {
  return Member.len(m);
}
export function memberPtr(m: usize): usize {
  return Member.ptr(m);
}
export function memberExpiry(m: usize): i64 {
  return Member.expiry(m);
}
export function memberScore(m: usize): f64 {
  return Member.score(m);
}
export function memberValueLen(m: usize): u32 {
  return Member.valueLen(m);
}
export function memberValuePtr(m: usize): usize {
  return Member.valuePtr(m);
}
export function tableKeys(t: Dict): u32 {
  return t.keys;
}
export function tableExpires(t: Dict): u32 {
  return t.expires;
}
export function tableBuckets(t: Dict): u32 {
  return t.buckets;
}
export function tableChainMax(t: Dict): u32 {
  return t.chainMax;
}
export function tableMinExpire(t: MemberTable): i64 {
  return memberMinExpiry(t);
}
/** Writes the addresses of the members at a scan position to `out` and returns how many they are. */
export function scanMembers(t: Dict, cursor: u64, out: usize): u32 {
  let count: u32 = 0;
  for (let b = dictScanBucket(t, cursor); b != 0; b = Bucket.next(b)) {
    for (let rest = Bucket.occupied(b); rest != 0; rest &= rest - 1) {
      store<u32>(out + (count << 2), <u32>Bucket.entry(b, ctz(rest)));
      count += 1;
    }
  }
  return count;
}
export function scanNext(t: Dict, cursor: u64): u64 {
  return dictScanNext(t, cursor);
}
export { assertLine } from '../memory/abort';
