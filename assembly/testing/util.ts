// Entry file for unit tests of assembly/util/: it re-exports what they call, and is in no product.
export * from '../util/bits';
export * from '../util/bytes';
export { crc16, keyHashSlot } from '../util/crc16';
export * from '../util/crc64';
export * from '../util/glob';
export {
  addLongDouble,
  compareLongDouble,
  copyLongDouble,
  formatLongDouble,
  isFiniteLongDouble,
  longDoubleFromF64,
  longDoubleFromI64,
  longDoubleLimit,
  parseLongDouble,
  subtractLongDouble,
} from '../util/long_double';
export * from '../util/lzf';
export {
  digits10,
  digits10Signed,
  formatF64,
  formatF64Fixed,
  formatF64Precise,
  formatI64,
  formatU64,
} from '../util/number_format';
export * from '../util/number_parse';
export * from '../util/prng';
export * from '../util/siphash';
export * from '../util/trig';
export * from '../util/xxh3';
