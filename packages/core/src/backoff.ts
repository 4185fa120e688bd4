/**
 * The delays between attempts to connect, in milliseconds: "decorrelated jitter", as Marc Brooker
 * described it in "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015), except that each
 * is drawn between `initial` and the lesser of `max` and three times the one before. His is drawn
 * first and cut down to `max` then; where delays have grown, more than two in three are `max` then,
 * and programs that lost a backend together come back together.
 */
export function* backoff(
  initial: number,
  max: number,
  random: () => number = Math.random,
): Generator<number, never> {
  let delay = initial;
  for (;;) {
    delay = initial + random() * (Math.min(max, delay * 3) - initial);
    yield delay;
  }
}
