/** An id that nobody else draws, as etcd's own: a positive number of 63 bits. */
export function newLease(): string {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return String(((BigInt(high) << 31n) | BigInt(low >>> 1)) + 1n);
}
