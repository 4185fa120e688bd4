import { withTransaction } from "@coord/postgres";
import { describe, expect, test } from "vitest";
import { ownServer, start } from "./helpers.js";
import type { PostgresServer } from "./postgres-server.js";

/** The sequence as it is where the role may create it, or where an administrator did. */
const kinds = ["unlogged", "logged"] as const;

async function serverWith(kind: (typeof kinds)[number]): Promise<PostgresServer> {
  const own = await ownServer();
  if (kind === "logged") await own.sql("CREATE SEQUENCE public.coord_token");
  return own;
}

/** Without any connection left behind. */
async function tokenOf(own: PostgresServer, isOpen: boolean): Promise<bigint> {
  const client = await own.client();
  try {
    if (!isOpen) return await withTransaction(client, "x", {}, ({ token }) => token);
    await client.query("BEGIN");
    const token = await withTransaction(client, "x", {}, (lock) => lock.token);
    await client.query("COMMIT");
    return token;
  } finally {
    await client.end();
  }
}

describe.each(kinds)("a token of a sequence that is %s", (kind) => {
  test("is greater than all before it although the server crashes right after a grant", async () => {
    const own = await serverWith(kind);
    const url = own.url();
    let greatest = 0n;
    for (let round = 0; round < (process.env["COORD_TEST_SHORT"] ? 2 : 4); round++) {
      const coordinator = await start(url);
      const lock = coordinator.getLock("x");
      // Not always at the same distance from what the server writes down.
      for (let turn = 0; turn < 20 + round * 9; turn++) await (await lock.acquire()).release();
      const hold = await lock.acquire();
      const crashed = own.kill();
      expect(hold.token).toBeGreaterThan(greatest);
      greatest = hold.token;
      await crashed;
      await own.restart();
      await coordinator.stop();
    }
    const after = await (await start(url)).getLock("x").acquire();
    expect(after.token).toBeGreaterThan(greatest);
  }, 120_000);

  test("is greater, too, when the first after a crash is a transaction, and after a restart", async () => {
    const own = await serverWith(kind);
    const coordinator = await start(own.url());
    const hold = await coordinator.getLock("x").acquire();
    await coordinator.stop();
    const tokens = [hold.token];
    const ends = [() => own.kill(), () => own.stop("SIGQUIT"), () => own.stop("SIGINT")];
    for (const end of ends) {
      await end();
      await own.restart();
      for (const isOpen of [true, false]) tokens.push(await tokenOf(own, isOpen));
    }
    const last = await (await start(own.url())).getLock("x").acquire();
    tokens.push(last.token);
    expect(tokens).toEqual(tokens.toSorted((one, two) => (one < two ? -1 : 1)));
    expect(new Set(tokens).size).toBe(tokens.length);
  }, 120_000);
});

describe("a token", () => {
  test("of an epoch that several begin at once is of one epoch, and all differ", async () => {
    const own = await ownServer();
    const url = own.url();
    await (await start(url)).stop();
    for (let round = 0; round < 3; round++) {
      await own.kill();
      await own.restart();
      const all = await Promise.all(
        Array.from({ length: 6 }, async (_, index) => {
          const coordinator = await start(url);
          const { token } = await coordinator.getLock(`x${index}`).acquire();
          await coordinator.stop();
          return token;
        }),
      );
      expect(new Set(all).size).toBe(6);
      expect(new Set(all.map((token) => token >> 43n)).size).toBe(1);
    }
  }, 120_000);

  test("waits for no disk: nobody's turn has a number of a transaction", async () => {
    const own = await ownServer();
    const lock = (await start(own.url())).getLock("x");
    const xid = async (): Promise<bigint> => {
      const [row] = await own.sql("SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS x");
      return BigInt(String(row?.["x"]));
    };
    const before = await xid();
    for (let turn = 0; turn < 320; turn++) await (await lock.acquire()).release();
    // What the server does by itself has some.
    expect(Number((await xid()) - before)).toBeLessThanOrEqual(4);
  });

  test("needs a sequence: where the role may not have one, the error says what to run, and that is enough", async () => {
    const own = await ownServer();
    await own.sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    await own.sql("CREATE ROLE app LOGIN");
    const url = own.url("", "app");
    const message = await refusal(url);
    const [, create = "", grant = ""] =
      /run: (CREATE SEQUENCE [^;]+); (GRANT [^;]+);/.exec(message) ?? [];
    const xid = await start(`${url}&fencing=xid`);
    const first = await xid.getLock("x").acquire();
    await first.release();
    expect((await xid.getLock("x").acquire()).token).toBeGreaterThan(first.token);
    await own.sql(create);
    await own.sql(grant.replace("<role>", "app"));
    await (await (await start(url)).getLock("y").acquire()).release();
  });

  test("of an unlogged sequence of another role's needs more, and the error says what", async () => {
    const own = await ownServer();
    await (await start(own.url())).stop();
    await own.sql("CREATE ROLE app LOGIN");
    await own.sql("GRANT USAGE ON SEQUENCE public.coord_token TO app");
    const url = own.url("", "app");
    const [, grant = ""] = /(GRANT UPDATE [^;]+);/.exec(await refusal(url)) ?? [];
    await own.sql(grant.replace("<role>", "app"));
    await own.kill();
    await own.restart();
    expect((await (await start(url)).getLock("y").acquire()).token).toBeGreaterThan(0n);
  });

  test.each(["CACHE 20", "AS integer", "MINVALUE 0 START 1", "CYCLE"])(
    "is not drawn from a sequence that does not keep its order: %s",
    async (how) => {
      const own = await ownServer();
      await own.sql(`CREATE SEQUENCE public.coord_token ${how}`);
      const message = await refusal(own.url());
      const [alter = ""] = /ALTER SEQUENCE "public"."coord_token"[^.]+/.exec(message) ?? [];
      await own.sql(alter);
      expect((await (await start(own.url())).getLock("x").acquire()).token).toBeGreaterThan(0n);
    },
  );
});

async function refusal(url: string): Promise<string> {
  const refused = start(url);
  await expect(refused).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
  return refused.then(
    () => "",
    (error: Error) => error.message,
  );
}
