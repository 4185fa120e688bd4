import { Link, type Clock } from "@coord/core/driver";
import { Hearer } from "./connection/hearer.js";
import type { Opened } from "./connection/open.js";
import { isPooled } from "./connection/refusals.js";
import { unavailable } from "./refused.js";

/** After how long connecting again is tried, in milliseconds. */
const retryAfter = 100;

interface HearingOptions {
  readonly clock: Clock;
  /** How long an answer may take, in milliseconds. */
  readonly within: number;
  readonly connectWithin: number;
  readonly application: string;
  readonly channel: string;
  /** The connection that holds locks, and where it leads to. */
  readonly holder: () => Opened;
  readonly hear: (message: string) => void;
  /** It was away, and what was said meanwhile is lost. */
  readonly missed: () => void;
  /** The two connections are not what they have to be: a pooler's, or of two servers. */
  readonly refused: (error: unknown) => void;
}

/**
 * The connection on which others say that they gave something back. The session does without it while
 * it is made anew: who waits also looks by itself.
 */
export class Hearing {
  readonly #options: HearingOptions;
  readonly #link: Link<Hearer>;
  readonly #channels: string[];

  constructor(options: HearingOptions) {
    this.#options = options;
    this.#channels = [options.channel];
    let lost: (error: unknown) => void = () => {};
    this.#link = new Link<Hearer>({
      clock: options.clock,
      within: options.within,
      retryAfter,
      make: (tell) => {
        lost = tell;
        return new Hearer();
      },
      greet: (hearer) => this.#greet(hearer, lost),
      close: (hearer) => hearer.close(),
      state: (state) => {
        if (state === "connected") options.missed();
      },
      unavailable,
    });
  }

  /** In one try. */
  open(signal: AbortSignal): Promise<void> {
    return this.#link.open(signal);
  }

  /** Hears what is said on one more channel, too. */
  async listen(channel: string): Promise<void> {
    this.#channels.push(channel);
    await this.#link.connection.listen([channel]);
  }

  /** Gives it up if it does not answer. */
  ping(): void {
    const { clock, within } = this.#options;
    let hearer: Hearer;
    try {
      hearer = this.#link.connection;
    } catch {
      return;
    }
    const timer = clock.timer(within, () => this.#link.giveUp(unavailable(undefined)));
    const answered = (): void => timer.cancel();
    hearer.ping().then(answered, answered);
  }

  close(): void {
    this.#link.close();
  }

  async #greet(hearer: Hearer, lost: (error: unknown) => void): Promise<void> {
    const { clock, connectWithin, application, holder, hear, refused } = this.#options;
    const { wire, target } = holder();
    try {
      await hearer.open(target, this.#channels, wire, {
        clock,
        within: connectWithin,
        application,
        hear,
        lost,
      });
    } catch (error) {
      if (isPooled(error)) refused(error);
      throw error;
    }
  }
}
