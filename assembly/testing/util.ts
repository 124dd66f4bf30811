// Entry file for unit tests of assembly/util/: it re-exports what they call, and is in no product.
export * from '../util/bytes';
export * from '../util/glob';
export {
  digits10,
  digits10Signed,
  formatI64,
  formatU64,
} from '../util/number_format';
export * from '../util/number_parse';
export * from '../util/prng';
export * from '../util/siphash';
