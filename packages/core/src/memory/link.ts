import type { Clock } from "../clock.js";
import { CoordError } from "../errors.js";

/** What a client can ask of the server. */
export type Operation = "open" | "beat" | "acquire" | "release" | "inspect" | "break" | "close";

interface Planned {
  readonly operation: Operation;
  /** The how manieth call from now on. */
  nth: number;
  /** By how many milliseconds the reply is late; undefined: it never comes. */
  readonly delay: number | undefined;
}

/** The way between clients and server, which loses and delays what it is told to. */
export class Link {
  readonly #clock: Clock;
  readonly #planned: Planned[] = [];
  /** Whether nothing gets through. */
  down = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  plan(operation: Operation, nth: number, delay: number | undefined): void {
    this.#planned.push({ operation, nth, delay });
  }

  /**
   * Carries a request to the server and its reply back. Rejects COORD_UNAVAILABLE after `within`
   * milliseconds without one: the server may have done it all the same.
   */
  call<T>(operation: Operation, within: number, request: () => T | Promise<T>): Promise<T> {
    const delay = this.#delay(operation);
    return new Promise((resolve, reject) => {
      const noAnswer = (): void => {
        const message = `The memory backend did not answer "${operation}" within ${Math.round(within)} ms. Let it come up().`;
        reject(new CoordError("COORD_UNAVAILABLE", message));
      };
      const timer = within < Infinity ? this.#clock.timer(within, noAnswer) : undefined;
      const reply = (settle: () => void): void => {
        const arrive = (): void => {
          if (this.down) return;
          timer?.cancel();
          settle();
        };
        if (delay === 0) arrive();
        else if (delay !== undefined) this.#clock.timer(delay, arrive);
      };
      if (this.down) return;
      Promise.resolve(request()).then(
        (value) => reply(() => resolve(value)),
        (error: unknown) => reply(() => reject(error)),
      );
    });
  }

  /** Carries what the server says unasked. */
  push(deliver: () => void): void {
    void Promise.resolve().then(() => {
      if (!this.down) deliver();
    });
  }

  /** By how many milliseconds the reply of this call is late; undefined: it never comes. */
  #delay(operation: Operation): number | undefined {
    for (const planned of this.#planned) if (planned.operation === operation) planned.nth -= 1;
    // Of two that are due by the same call the second is for the next one.
    const due = this.#planned.findIndex((it) => it.operation === operation && it.nth <= 0);
    if (due < 0) return 0;
    return this.#planned.splice(due, 1)[0]?.delay;
  }
}
