import { TcpProxy, type TcpProxyOptions } from "../proxy/proxy.js";
import type { PlaceFault } from "./subject.js";

/**
 * A way of its own to a server for each process of a history, by a proxy, and what can happen to one:
 * faults of time that concern one process and no other.
 */
export class Ways implements AsyncDisposable {
  readonly #proxies: readonly TcpProxy[];

  /** Starts so many. @param count as many as the history has processes, which mostly are four */
  static async start(server: TcpProxyOptions, count = 4): Promise<Ways> {
    const starting = Array.from({ length: count }, () => TcpProxy.start(server));
    return new Ways(await Promise.all(starting));
  }

  private constructor(proxies: readonly TcpProxy[]) {
    this.#proxies = proxies;
  }

  /** The server's URL, with this way's host and port in it. */
  through(way: number, url: string): string {
    return this.#of(way).through(url);
  }

  /**
   * Connections are reset, and new ones too for a while; nothing gets through, one way or both, and
   * comes all together later; everything comes late.
   */
  get faults(): readonly PlaceFault[] {
    return [
      this.#fault("cut", (proxy) => proxy.cut()),
      this.#fault("way stalls", (proxy) => proxy.stall()),
      this.#fault("answers stall", (proxy) => proxy.stall("toClient")),
      this.#fault("way is slow", (proxy) => proxy.delay(100)),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
  }

  #fault(kind: string, make: (proxy: TcpProxy) => void): PlaceFault {
    return {
      kind,
      class: "time",
      of: "way",
      begin: async ({ way }) => make(this.#of(way)),
      end: async ({ way }) => this.#of(way).heal(),
    };
  }

  #of(way: number): TcpProxy {
    const proxy = this.#proxies[way];
    if (!proxy) throw new Error(`There is no way ${way}. Start as many as there are processes.`);
    return proxy;
  }
}
