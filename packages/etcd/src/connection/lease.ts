/**
 * An id that nobody else draws, of 53 bits: exact as a number, too, which is what protobufjs has where
 * it does not find its `long`, as in some bundles.
 */
export function newLease(): string {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return String(2 ** 52 + (high >>> 12) * 2 ** 32 + low);
}
