// Test entry: SHA-1.
export { sha1 } from '../util/sha1';
