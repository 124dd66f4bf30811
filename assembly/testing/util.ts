// Entry file for unit tests of assembly/util/: it re-exports what they call, and is in no product.
export * from '../util/bytes';
