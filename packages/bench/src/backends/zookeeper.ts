import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import "@coord/zookeeper";
import library from "node-zookeeper-client";
import type { Backend, Locker, Subject } from "../backend.js";
import { zookeeperServer } from "../zookeeper-server.js";
import { coord } from "./coord.js";
import { served } from "./served.js";

const shortestTtl = 1_000;
const { EPHEMERAL_SEQUENTIAL, PERSISTENT } = library.CreateMode;

const floor: Subject = {
  name: "floor",
  how: "`node-zookeeper-client` by hand: creates an ephemeral sequential node, lists it with its siblings, deletes it; who waits lists again every 1 ms; no token, no news of a loss. Its library sends pings",
  shortestTtl,
  open: async (address, { ttl = 60_000 }) => openFloor(address, ttl),
};

async function openFloor(address: string, ttl: number): Promise<Locker> {
  const client = library.createClient(new URL(address).host, { sessionTimeout: ttl });
  const create = promisify(client.create.bind(client)) as (
    path: string,
    mode: number,
  ) => Promise<string>;
  const children = promisify(client.getChildren.bind(client));
  const remove = promisify(client.remove.bind(client));
  const connected = new Promise<void>((resolve) => client.once("connected", resolve));
  client.connect();
  await connected;
  const folders = new Set<string>();
  return {
    lock: (name) => async () => {
      const folder = `/${name}`;
      if (!folders.has(folder)) await create(folder, PERSISTENT).catch(() => {});
      folders.add(folder);
      const node = await create(`${folder}/n-`, EPHEMERAL_SEQUENTIAL);
      const own = node.slice(folder.length + 1);
      while ((await children(folder)).some((other) => other < own)) await pause(1);
      return () => remove(node);
    },
    close: async () => client.close(),
  };
}

/** Java is slow until it has done the same for a while. */
async function warmUp(address: string): Promise<void> {
  const locker = await openFloor(address, 10_000);
  for (let round = 0; round < 20; round += 1) {
    const cycles = Array.from({ length: 250 }, async (_, number) => {
      const release = await locker.lock(`warm-${number}`)();
      await release();
    });
    await Promise.all(cycles);
  }
  await locker.close();
}

/** One server, which does not wait for its disk. */
export const zookeeper: Backend = {
  name: "zookeeper",
  subjects: [{ ...coord, shortestTtl, renewsEvery: 1_000 }, floor],
  inapplicable: {},
  setUp: async () => {
    const place = await served(
      zookeeperServer("-Dzookeeper.forceSync=no"),
      (host) => `zookeeper://${host}`,
    );
    await warmUp(place.address);
    return place;
  },
};
