import { postgres } from "@coord/postgres";
import { Taker } from "@coord/testkit";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { aborted, ownKeys, ownServer, start, state } from "./helpers.js";
import { pause, PostgresServer } from "./postgres-server.js";
import { holdersOf, keyOf } from "./subject.js";

const ttl = 1_500;
let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

describe("a session", () => {
  test("that is terminated has lost all it held, at once; waits go on in the next", async () => {
    const url = server.url();
    const [one, other] = [await start(url), await start(url)];
    const [hold, second] = [await one.getLock("x").acquire(), await one.getLock("y").acquire()];
    const next = other.getLock("x").acquire();
    const waiting = other.getLock("z").acquire();
    await server.sql(`SELECT pg_terminate_backend(pid) FROM (${holdersOf(url, "x")}) h`);
    await aborted(hold.signal);
    expect(hold.signal.reason).toMatchObject({ code: "COORD_LOST", reason: "session" });
    expect(() => second.assertHeld()).toThrow(expect.objectContaining({ reason: "session" }));
    expect((await next).token).toBeGreaterThan(second.token);
    await waiting;
    await state(one, "connected");
  });

  test("whose hearing connection is terminated keeps what it holds, and is woken again soon", async () => {
    const url = server.url();
    const [one, other] = [await start(url), await start(url, { agentId: "hears" })];
    const hold = await one.getLock("x").acquire();
    const kept = await other.getLock("kept").acquire();
    const next = other.getLock("x").acquire();
    const hears = "SELECT pid FROM pg_stat_activity WHERE application_name = 'hears'";
    const holds = holdersOf(url, "kept");
    await server.sql(`SELECT pg_terminate_backend(pid) FROM (${hears} EXCEPT ${holds}) h`);
    await expect.poll(async () => (await server.sql(hears)).length, { timeout: 5_000 }).toBe(2);
    kept.assertHeld();
    await hold.release();
    await (await next).release();
    expect(other.state).toBe("connected");
  });

  test("whose statement is cancelled has the lock or has it not, and nothing is left of it", async () => {
    const url = server.url();
    const coordinator = await start(url, { agentId: "cancelled" });
    const stop = new AbortController();
    const cancelling = (async () => {
      while (!stop.signal.aborted) {
        await server.sql(
          "SELECT pg_cancel_backend(pid) FROM pg_stat_activity, generate_series(1, 20) WHERE application_name = 'cancelled'",
        );
        await pause(2);
      }
    })();
    cancelling.catch(() => {});
    for (let turn = 0; turn < 200; turn++) {
      const hold = await coordinator.getLock("x").acquire({ timeout: 10_000 });
      hold.assertHeld();
      await hold.release();
    }
    stop.abort();
    await cancelling;
    const block = `((classid::bigint << 32) | objid::bigint) # (${keyOf(url, "x")})::bigint BETWEEN 0 AND 31`;
    const left = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND ${block}`;
    await expect.poll(() => server.sql(left)).toEqual([]);
  }, 60_000);

  test("that was terminated leaves nothing, and the next one acquires again", async () => {
    const url = server.url();
    const coordinator = await start(url);
    const hold = await coordinator.getLock("x").acquire();
    const [before] = await server.sql(holdersOf(url, "x"));
    expect(Number(before?.["pid"])).toBeGreaterThan(0);
    await server.sql(`SELECT pg_terminate_backend(${String(before?.["pid"])})`);
    await aborted(hold.signal);
    await (await coordinator.getLock("x").acquire()).release();
    expect(await server.sql(holdersOf(url, "x"))).toEqual([]);
  });

  test("that is left over when its coordinator opens the next is ended by that", async () => {
    const url = server.url();
    let previous = "";
    const first: typeof postgres = {
      ...postgres,
      open: async (place, context) => {
        const session = await postgres.open(place, context);
        previous = session.id;
        return session;
      },
    };
    const next: typeof postgres = {
      ...postgres,
      open: (place, context) => postgres.open(place, { ...context, previous }),
    };
    const one = await start(url, { drivers: [first], ttl: 20_000 });
    const hold = await one.getLock("x").acquire();
    const other = await start(url, { drivers: [next], ttl: 20_000 });
    const taken = await other.getLock("x").acquire({ timeout: 10_000 });
    expect(taken.token).toBeGreaterThan(hold.token);
    await aborted(hold.signal);
    expect(hold.signal.reason).toMatchObject({ code: "COORD_LOST", reason: "session" });
  });
});

describe("a client that is frozen", () => {
  test("beyond its ttl has lost what it held: others have it not before its lease is over, and not long after", async () => {
    const url = server.url();
    const options = { ttl, heartbeat: 200 };
    const taker = await Taker.start({ module: "@coord/postgres", url, options });
    onTestFinished(() => taker[Symbol.asyncDispose]());
    const other = await start(url);
    const { token } = await taker.acquire("x");
    await taker.pause();
    const pausedAt = performance.now();
    const next = await other.getLock("x").acquire({ timeout: ttl + 6_000 });
    const waited = performance.now() - pausedAt;
    // From its last word, at most a beat before; half a second, and a moment to notice, more than the ttl.
    expect(waited).toBeGreaterThan(ttl - 300);
    expect(waited).toBeLessThan(ttl + 1_000 + 2_000);
    expect(next.token).toBeGreaterThan(token);
    taker.resume();
    await expect(taker.assertHeld("x")).rejects.toMatchObject({ code: "COORD_LOST" });
    next.assertHeld();
  });
});

describe("settings that are inherited", () => {
  test("from a role break nothing", async () => {
    const own = await ownServer();
    await own.sql("CREATE ROLE app LOGIN");
    await own.sql("GRANT CREATE ON SCHEMA public TO app");
    await own.sql("CREATE SCHEMA app AUTHORIZATION app");
    for (const setting of [
      "statement_timeout = '200ms'",
      "lock_timeout = '1ms'",
      "idle_in_transaction_session_timeout = '1ms'",
      "idle_session_timeout = '1s'",
      "synchronous_commit = off",
      "default_transaction_isolation = serializable",
      "search_path = app",
      "client_min_messages = debug1",
    ]) {
      await own.sql(`ALTER ROLE app SET ${setting}`);
    }
    const url = own.url("", "app");
    const [one, other] = [
      await start(url, { ttl: 20_000, heartbeat: 5_000 }),
      await start(url, { ttl: 20_000, heartbeat: 5_000 }),
    ];
    const hold = await one.getLock("x").acquire();
    const next = other.getLock("x").acquire();
    await pause(2_500);
    hold.assertHeld();
    await hold.release();
    await (await next).release();
    expect(one.state).toBe("connected");
  });

  test("synchronous_commit and the timeouts of the session are what they have to be", async () => {
    const own = await ownServer({ synchronous_commit: "off" });
    await own.sql("CREATE EXTENSION IF NOT EXISTS plpgsql");
    const coordinator = await start(own.url());
    await coordinator.getLock("x").run(async () => {});
    expect(coordinator.traits?.tokenSource).toBe("a sequence");
  });
});

describe("a server that stops", () => {
  test.each(["SIGINT", "SIGQUIT"] as const)(
    "by %s and is started again is found again, and holds are lost",
    async (signal) => {
      const own = await ownServer();
      const url = own.url();
      const [one, other] = [await start(url), await start(url)];
      const hold = await one.getLock("x").acquire();
      const next = other.getLock("x").acquire();
      await own.stop(signal);
      await aborted(hold.signal);
      expect(() => hold.assertHeld()).toThrow(expect.objectContaining({ reason: "session" }));
      await own.restart();
      expect((await next).token).toBeGreaterThan(hold.token);
    },
  );
});

describe("a server that has no room", () => {
  test("for more locks of one coordinator says what to raise, and serves others", async () => {
    const own = await ownServer({ max_locks_per_transaction: 10, max_connections: 20 });
    const coordinator = await start(own.url());
    const locks = Array.from({ length: 60 }, (_, index) => coordinator.getLock(`x${index}`));
    const taken = await Promise.allSettled(locks.map((lock) => lock.acquire()));
    const refused = taken.filter((each) => each.status === "rejected");
    // A quarter of 10 × 20.
    expect(refused).toHaveLength(10);
    for (const { reason } of refused) {
      expect(reason).toMatchObject({
        code: "COORD_UNAVAILABLE",
        message: expect.stringMatching(/Raise max_locks_per_transaction .* max_holds/),
      });
    }
    await (await (await start(own.url("&max_holds=1"))).getLock("x").acquire()).release();
  });

  test("although more was allowed, is unavailable, and what was begun is given back", async () => {
    const own = await ownServer({ max_locks_per_transaction: 10, max_connections: 10 });
    const url = own.url("&max_holds=100000");
    const coordinator = await start(url);
    const locks = Array.from({ length: 3_000 }, (_, index) => coordinator.getLock(`x${index}`));
    const taken: { release(): Promise<void> }[] = [];
    let failure: unknown;
    for (const lock of locks) {
      try {
        taken.push(await lock.acquire());
      } catch (error) {
        failure = error;
        break;
      }
    }
    expect(failure).toMatchObject({
      code: "COORD_UNAVAILABLE",
      message: expect.stringMatching(/max_locks_per_transaction/),
    });
    for (const hold of taken) await hold.release();
    const left = await own.sql(
      "SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory'",
    );
    expect(left[0]?.["n"]).toBe(ownKeys);
  });

  test("because others have filled it refuses what is asked for, and everything that is held stays", async () => {
    const own = await ownServer({ max_locks_per_transaction: 10, max_connections: 10 });
    const one = await start(own.url());
    const hold = await one.getLock("x").acquire();
    const filler = await own.client();
    onTestFinished(() => filler.end());
    // With a savepoint for each, so that none of those before is given back where there is no room.
    await filler.query(`DO $$ BEGIN
      FOR i IN 1..100000 LOOP
        BEGIN PERFORM pg_advisory_lock(i); EXCEPTION WHEN out_of_memory THEN RETURN; END;
      END LOOP; END $$`);
    await expect(one.getLock("y").acquire()).rejects.toMatchObject({
      code: "COORD_UNAVAILABLE",
      message: expect.stringMatching(/max_locks_per_transaction/),
    });
    hold.assertHeld();
    expect([hold.signal.aborted, one.state]).toEqual([false, "connected"]);
    await filler.query("SELECT pg_advisory_unlock_all()");
    await hold.release();
    await (await one.getLock("y").acquire()).release();
  });

  test("for another connection says so", async () => {
    const own = await ownServer({ max_connections: 10 });
    const clients = await Promise.all(
      Array.from({ length: 9 }, () => own.client()).map(async (client) => client),
    );
    await expect(start(own.url())).rejects.toThrow(/two connections|max_connections/);
    for (const client of clients) await client.end();
    expect((await start(own.url())).traits?.fair).toBe(false);
  });

  test("because it is a standby or read-only is refused", async () => {
    expect(postgres.schemes).toEqual(["postgres", "postgresql"]);
    const own = await ownServer();
    await own.makeStandby();
    await expect(start(own.url())).rejects.toThrow(/standby/);
  }, 60_000);
});

describe("a holder that does not answer", () => {
  test("loses its whole session by force, and others of it with it", async () => {
    const url = server.url();
    const options = { ttl: 20_000 };
    const taker = await Taker.start({ module: "@coord/postgres", url, options });
    onTestFinished(() => taker[Symbol.asyncDispose]());
    const other = await start(url);
    const { token } = await taker.acquire("x");
    await taker.acquire("y");
    await taker.pause();
    const lock = other.getLock("x");
    await expect(lock.break({ force: true, token })).rejects.toThrow(/knows its token/);
    expect(await lock.break({ force: true })).toMatchObject({ outcome: "forced" });
    expect((await lock.acquire({ timeout: 5_000 })).token).toBeGreaterThan(token);
    await (await other.getLock("y").acquire({ timeout: 5_000 })).release();
    taker.resume();
  });

  test("of another role needs pg_signal_backend", async () => {
    const own = await ownServer();
    await own.sql("CREATE ROLE weak LOGIN");
    await own.sql("CREATE SEQUENCE public.coord_token");
    await own.sql("GRANT USAGE ON SEQUENCE public.coord_token TO weak");
    const url = own.url();
    const taker = await Taker.start({ module: "@coord/postgres", url, options: { ttl: 20_000 } });
    onTestFinished(() => taker[Symbol.asyncDispose]());
    await taker.acquire("x");
    await taker.pause();
    const lock = (await start(url.replace("postgres@", "weak@"))).getLock("x");
    // Its role may not see where the holder is, but who.
    expect((await lock.inspect()).holders).toMatchObject([{ member: expect.any(String) }]);
    await expect(lock.break({ force: true })).rejects.toThrow(/GRANT pg_signal_backend/);
    await own.sql("GRANT pg_signal_backend TO weak");
    // A superuser's session is not ended by those.
    taker.resume();
  });
});

describe("a member", () => {
  test.each([
    ["short", "short"],
    ["x".repeat(63), "x".repeat(63)],
    ["x".repeat(64), expect.stringMatching(/^sha256:[0-9a-f]{56}$/)],
    ["ümlaut", expect.stringMatching(/^sha256:[0-9a-f]{56}$/)],
  ])("%s is seen by others", async (agentId, seen) => {
    const url = server.url();
    const hold = await (await start(url, { agentId })).getLock("x").acquire();
    const { holders } = await (await start(url)).getLock("x").inspect();
    expect(holders).toMatchObject([{ member: seen, shared: false, backend: expect.any(Number) }]);
    await hold.release();
  });
});
