import { postgres } from "@coord/postgres";
import { TcpProxy, type Subject } from "@coord/testkit";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { halves, sha256Key } from "../src/keys.js";
import { PostgresServer } from "./postgres-server.js";

/** What the kit needs, on a server that is there for as long as the tests of a file. */
export function postgresSubject(options: Subject["options"]): Subject {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  return {
    driver: postgres,
    module: "@coord/postgres",
    url: () => server.url(),
    ...(options ? { options } : {}),
    faults: {
      revoke: async (url, name) => {
        await server.sql(`SELECT pg_terminate_backend(pid) FROM (${holdersOf(url, name)}) holders`);
      },
      revokeReason: "session",
      network: {
        proxied: async (url) => {
          const proxy = await TcpProxy.start({ port: server.port, requests: statements });
          onTestFinished(() => proxy[Symbol.asyncDispose]());
          return { url: proxy.through(url), proxy };
        },
        mutations: {
          acquire: (bytes) => asks(bytes, "coord_ask") || asks(bytes, "coord_try"),
          release: (bytes) => asks(bytes, "coord_release"),
        },
        server: {
          kill: () => server.kill(),
          start: ({ data }) => server.restart({ data }),
        },
      },
    },
  };
}

/** A query for the server's processes that hold a lock. */
export function holdersOf(url: string, name: string): string {
  const [classid, objid] = halves(keyOf(url, name));
  return `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND classid = ${classid} AND objid = ${objid}`;
}

/** The key of the lock itself. */
export function keyOf(url: string, name: string): bigint {
  return sha256Key(new URL(url).searchParams.get("namespace") ?? "coord", name);
}

/** Whether a prepared statement, whose name begins so, is asked for: in SQL or by the protocol. */
function asks(bytes: Buffer, statement: string): boolean {
  return bytes.includes(`EXECUTE ${statement}`) || bytes.includes(`\0${statement}`);
}

/** Each is a message that begins with a Q, or with a B and no portal's name. */
const statements = () => (bytes: Buffer) =>
  bytes.toString("latin1").match(/Q\0[\s\S]{3}(?:EXECUTE|SELECT)|B\0[\s\S]{3}\0coord_/g)?.length ??
  0;
