// Identifiers that no two servers share: run ids, replication ids, node ids.

const ID_BYTES = 20;

/** 40 hexadecimal digits from the system's secure source. */
export function randomId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(ID_BYTES))).toString('hex');
}
