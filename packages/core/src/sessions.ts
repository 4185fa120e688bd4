import { onAbort } from "./abort.js";
import type { Driver, Session } from "./contract.js";
import { cleanUpWithin, Deadlines } from "./deadline.js";
import { asUnavailable, CoordError, messageOf } from "./errors.js";
import type { Settings } from "./settings.js";
import { unmetTraits } from "./traits.js";
import type { BackendUrl } from "./url.js";

/** How long, in milliseconds, opening a session may take, or the ttl if that is longer. */
const openWithin = 10_000;

/** Opens and closes the sessions of one connection, each in bounded time. */
export class Sessions {
  /** What messages call the backend. */
  readonly backend: string;
  readonly #driver: Driver;
  readonly #url: BackendUrl;
  readonly #settings: Settings;
  readonly #deadlines: Deadlines;

  constructor(driver: Driver, url: BackendUrl, settings: Settings) {
    this.backend = driver.name;
    this.#driver = driver;
    this.#url = url;
    this.#settings = settings;
    this.#deadlines = new Deadlines(settings.clock, cleanUpWithin);
  }

  /** The error for whoever cannot wait until there is a session that answers. */
  unavailable(cause: unknown): CoordError {
    return new CoordError(
      "COORD_UNAVAILABLE",
      `The ${this.backend} backend at ${this.#url.toString()} does not answer. See whether it runs; acquire() waits for it.`,
      { cause },
    );
  }

  /**
   * Opens one that has the traits required. What is opened although `closing` was aborted meanwhile,
   * or too late, is closed when it comes.
   */
  async open(
    previous: string | undefined,
    closing: AbortSignal,
    state: (state: "connected" | "suspended") => void,
  ): Promise<Session> {
    const { memberId, ttl, info, clock, log } = this.#settings;
    const context = { memberId, ttl, info, clock, log, state };
    const leftBy = previous === undefined ? {} : { previous };
    try {
      const session = await this.#openInTime(closing, async (signal) =>
        this.#driver.open(this.#url, { ...context, ...leftBy, signal }),
      );
      await this.#check(session);
      return session;
    } catch (error) {
      throw asUnavailable(
        error,
        `Connecting to the ${this.backend} backend at ${this.#url.toString()}`,
      );
    }
  }

  /** Closes one; never rejects. */
  async close(session: Session): Promise<void> {
    const what = `Closing the session with the ${this.backend} backend`;
    try {
      await this.#deadlines.run(what, (signal) => session.close(signal));
    } catch (error) {
      this.#settings.log.warn(
        `${messageOf(error)} What it held is free at the latest when its session ends.`,
      );
    }
  }

  #openInTime(
    closing: AbortSignal,
    open: (signal: AbortSignal) => Promise<Session>,
  ): Promise<Session> {
    const { clock, ttl } = this.#settings;
    const controller = new AbortController();
    return new Promise((resolve, reject) => {
      const giveUp = (error: CoordError): void => {
        reject(error);
        controller.abort(error);
      };
      const within = Math.max(ttl, openWithin);
      const timer = clock.timer(within, () => giveUp(this.unavailable(undefined)));
      const unlisten = onAbort(closing, () => giveUp(stoppedWhileOpening()));
      const opening = open(controller.signal);
      opening.then((session) => {
        if (controller.signal.aborted) void this.close(session);
        resolve(session);
      }, reject);
      void opening
        .catch(() => {})
        .finally(() => {
          timer.cancel();
          unlisten();
        });
    });
  }

  async #check(session: Session): Promise<void> {
    const unmet = unmetTraits(session.traits, this.#settings.require);
    if (unmet.length === 0) return;
    await this.close(session);
    throw new CoordError(
      "COORD_TRAITS",
      `The ${this.backend} backend at ${this.#url.toString()} does not promise what \`require\` asks for: ${unmet.join("; ")}. Choose another backend or require less.`,
    );
  }
}

/** The error for whoever waits for a start that `stop()` ended. */
export function stoppedWhileOpening(): CoordError {
  return new CoordError(
    "COORD_STOPPED",
    "The coordinator was stopped while it was starting. Start it again with start().",
  );
}
