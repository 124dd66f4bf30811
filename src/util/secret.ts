// Comparing with a secret in a time that tells nothing about it.

/** Whether `tried` is `secret`. Takes a time that depends on `tried` alone. */
export function isSecret(tried: Uint8Array, secret: Uint8Array): boolean {
  let difference = tried.length ^ secret.length;
  for (let i = 0; i < tried.length; i++) {
    // Past its end the secret begins again: that the lengths differ is known by then.
    difference |= tried[i]! ^ (secret[i % Math.max(secret.length, 1)] ?? 0);
  }
  return difference === 0;
}
