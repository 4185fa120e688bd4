import type { Attempt } from "./attempt.js";
import type { AcquireRequest, HolderInfo, Mode } from "./contract.js";

/** What one call of `acquire()` wants. */
export interface Want {
  readonly shared: boolean;
  /** Milliseconds; 0: not to wait, `Infinity`: for ever. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
}

/** What a session is asked. Its signal is only made for a driver that reads it. */
export class Request implements AcquireRequest {
  readonly name: string;
  readonly owner: string;
  readonly mode: Mode;
  readonly wait: boolean;
  readonly info: HolderInfo;
  readonly #attempt: Attempt;

  constructor(name: string, owner: string, want: Want, info: HolderInfo, attempt: Attempt) {
    this.name = name;
    this.owner = owner;
    this.mode = want.shared ? "shared" : "exclusive";
    this.wait = want.timeout > 0;
    this.info = info;
    this.#attempt = attempt;
  }

  get signal(): AbortSignal {
    return this.#attempt.signal;
  }

  onAbort(callback: () => void): () => void {
    return this.#attempt.onEnd(callback);
  }
}
