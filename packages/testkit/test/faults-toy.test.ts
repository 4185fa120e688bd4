import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { TcpProxy, testFaults } from "@coord/testkit";
import { Backend } from "./toy/backend.js";
import { toy } from "./toy/driver.js";

let backend: Backend;
let data: string;
beforeAll(async () => {
  backend = await Backend.start();
  data = join(mkdtempSync(join(tmpdir(), "coord-toy-")), "data");
});
afterAll(async () => {
  await backend[Symbol.asyncDispose]();
  rmSync(join(data, ".."), { recursive: true });
});

/** Requests are lines. */
const lines = () => (bytes: Buffer) => bytes.toString("latin1").split("\n").length - 1;
const asks = (op: string) => (bytes: Buffer) => bytes.includes(`"op":"${op}"`);

testFaults({
  driver: toy,
  module: new URL("./toy/dist/driver.js", import.meta.url).href,
  url: () => backend.url(),
  options: { ttl: 1_500, heartbeat: 300 },
  faults: {
    revoke: (url, name) => backend.revoke(url, name),
    network: {
      proxied: async (url) => {
        const proxy = await TcpProxy.start({ port: backend.port, requests: lines });
        onTestFinished(() => proxy[Symbol.asyncDispose]());
        return { url: proxy.through(url), proxy };
      },
      mutations: { acquire: asks("acquire"), release: asks("release"), renew: asks("beat") },
      server: {
        kill: () => backend.die(data),
        start: async ({ data: kept }) => {
          backend = await Backend.start(backend.port, kept ? data : undefined);
        },
      },
    },
  },
});
