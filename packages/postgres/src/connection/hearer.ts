import { greetHearer } from "./greeting.js";
import { refusePooler } from "./pooler.js";
import { Wire, type Target, type WireOptions } from "./wire.js";

/** The connection by which others say that they gave something back: it is made anew when it breaks. */
export class Hearer {
  readonly #controller = new AbortController();
  #wire: Wire | undefined;

  /** Connects to the server of `holder`, and sees to it that it is that server and no pooler's. */
  async open(
    target: Target,
    channels: readonly string[],
    holder: Wire,
    options: Omit<WireOptions, "signal" | "greet">,
  ): Promise<void> {
    const greet = async (wire: Wire): Promise<void> => {
      // Before anything is changed: it might be another's connection.
      await refusePooler(holder, wire);
      await greetHearer(wire);
      await wire.run(listen(channels));
    };
    const { signal } = this.#controller;
    this.#wire = await Wire.open(target, { ...options, signal, greet });
  }

  /** Rejects where the connection is broken. */
  async ping(): Promise<void> {
    await this.#wire?.run("SELECT 1");
  }

  async listen(channels: readonly string[]): Promise<void> {
    await this.#wire?.run(listen(channels));
  }

  close(): void {
    this.#controller.abort();
    this.#wire?.destroy();
  }
}

function listen(channels: readonly string[]): string {
  return channels.map((channel) => `LISTEN ${channel}`).join(";");
}
