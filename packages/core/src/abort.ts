const listening = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `callback` once when `signal` is aborted, or soon if it is already; the function it returns
 * takes that back. However
 * many callbacks there are, the signal has one listener while there is any: a signal for a whole
 * program may wait for thousands of locks without Node's warning of a leak.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) return soon(callback);
  let callbacks = listening.get(signal);
  if (!callbacks) {
    callbacks = new Set();
    listening.set(signal, callbacks);
    signal.addEventListener("abort", tellAll, { once: true });
  }
  const all = callbacks;
  all.add(callback);
  return () => {
    if (!all.delete(callback) || all.size > 0 || listening.get(signal) !== all) return;
    listening.delete(signal);
    signal.removeEventListener("abort", tellAll);
  };
}

function tellAll(this: AbortSignal): void {
  const callbacks = listening.get(this);
  listening.delete(this);
  for (const callback of callbacks ?? []) callback();
}

function soon(callback: () => void): () => void {
  let wanted = true;
  queueMicrotask(() => {
    if (wanted) callback();
  });
  return () => {
    wanted = false;
  };
}
