import { PrivateServer, TcpProxy, type PrivateServerOptions } from "@coord/testkit/tools";
import type { Place } from "../backend.js";

/** A server of a backend's own, and a way to it that counts. @param url a place's address, of a host and port */
export async function served(
  options: PrivateServerOptions,
  url: (host: string) => string,
): Promise<Place> {
  const server = await PrivateServer.start(options);
  const proxy = await TcpProxy.start({ port: server.port });
  const address = url(`127.0.0.1:${server.port}`);
  return {
    address,
    counted: { address: proxy.through(address), roundTrips: () => proxy.traffic.roundTrips },
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}
