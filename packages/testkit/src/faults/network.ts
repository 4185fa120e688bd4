import type { TcpProxy } from "../proxy/proxy.js";
import type { Matcher } from "../proxy/swallow.js";

/** How the tests get between a driver and its server. A driver whose `reach` is `network` must give it. */
export interface NetworkFaults {
  /**
   * Another way to the place that `url` leads to, through a proxy of its own, straight to the server.
   * It is called within a test; whoever makes the proxy sees to it that it is gone when the test ends.
   */
  proxied(url: string): Promise<{ readonly url: string; readonly proxy: TcpProxy }>;
  /**
   * What of the bytes that a client sends is the request that changes something at the server: see
   * `TcpProxy.swallow()`. `renew` is needed where holds end by time.
   */
  readonly mutations: {
    readonly acquire: Matcher;
    readonly release: Matcher;
    readonly renew?: Matcher;
  };
  /** Left out where the server is not ours to kill, and then its death is not tested. */
  readonly server?: ServerFaults;
}

/** What can be done to a server. It must be up again, by `start()`, when a test ends. */
export interface ServerFaults {
  /** Kills it, as `kill -9` does, and resolves when it is dead. */
  kill(): Promise<void>;
  /** Starts it again where it was, with all that it knew when it died, or with nothing. */
  start(options: { readonly data: boolean }): Promise<void>;
}
