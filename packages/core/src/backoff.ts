/**
 * The delays between attempts to connect, in milliseconds: "decorrelated jitter", as Marc Brooker
 * described it in "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015). Each is drawn
 * between `initial` and three times the one before and never exceeds `max`, so that programs that
 * lost a backend together do not come back together.
 */
export function* backoff(
  initial: number,
  max: number,
  random: () => number = Math.random,
): Generator<number, never> {
  let delay = initial;
  for (;;) {
    delay = Math.min(max, initial + random() * (delay * 3 - initial));
    yield delay;
  }
}
