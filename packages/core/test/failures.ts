import { Coordinator, isCoordError, type CoordError } from "@coord/core";
import { register, type OptionSpec } from "@coord/core/driver";
import { VirtualClock } from "@coord/core/memory";
import { configureDefaultCoordinator, lock as defaultLock } from "../src/default-coordinator.js";
import { MemoryServer } from "../src/memory/server.js";
import { readSettings } from "../src/settings.js";
import { synchronized } from "../src/synchronized.js";
import { parseTemplate } from "../src/template.js";
import { parseBackendUrl } from "../src/url.js";
import { readUrlOptions } from "../src/url-options.js";
import { badUrl, readFileOf } from "../src/url-problems.js";
import { Machine } from "./machines.js";
import { pretendProgram } from "./program-folder.js";
import { away, Scripted } from "./scripted.js";
import { recorder, settled, ttl, type World } from "./world.js";

const errors: CoordError[] = [];

/**
 * Makes everything fail in core that can, in every way there is, and gives the errors. What is
 * logged meanwhile is in the world's log.
 */
export async function allFailures(world: World): Promise<readonly CoordError[]> {
  await failAtTexts();
  await failAtDrivers();
  await failAtLocks(world);
  await failAtTheBackend(world.log);
  await failAtFunctions();
  return errors;
}

/** Does something that fails, and keeps the error. */
async function failing(action: () => unknown): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!isCoordError(error)) throw error;
    errors.push(error);
    return;
  }
  throw new Error(`did not fail: ${String(action)}`);
}

const spec = {
  word: { type: "string", help: "a word", values: ["a", "b"] },
  time: { type: "seconds", help: "a time" },
  count: { type: "integer", help: "a count", max: 5 },
  flag: { type: "boolean", help: "a flag" },
  secret: { type: "integer", help: "a secret", secret: true },
} as const satisfies OptionSpec;

async function failAtTexts(): Promise<void> {
  const settings = [
    { nope: 1 },
    { ttl: 0 },
    { heartbeat: 40_000 },
    { prefix: 5 as unknown as string },
    { agentId: "" },
    { initialReconnectBackoff: 2, maxReconnectBackoff: 1 },
  ];
  for (const options of settings) await failing(() => readSettings(options, {}));
  await failing(() => readSettings({}, { COORD_TTL: "ten" }));
  const urls = ["", "C:\\x", "a b:", "file:\ud800", "file:#x", "nothing", "a://h/x@y", "a:?b?c"];
  const hosts = ["file:%zz", "a://h,,i", "a://h:x:y", "a://[h]", "a://:5", "a://h:0", "a:%00"];
  for (const url of [...urls, ...hosts]) await failing(() => parseBackendUrl(url));
  await failing(() => parseBackendUrl(7 as unknown as string));
  const driver = { name: "test", options: spec };
  const queries = [
    "word=c",
    "time=-1",
    "count=6",
    "flag=x",
    "secret=y",
    "none=1",
    "no%20ne=1",
    "word=",
  ];
  for (const query of queries) await failing(() => readUrlOptions(query, driver));
  await failing(() => readUrlOptions("x=1", { name: "test", options: {} }));
  await failing(() => readFileOf("ca", "/nowhere/ca.pem"));
  await failing(() => {
    throw badUrl("There is no host in it. Name one.");
  });
  const templates = [
    "{",
    "}",
    "{}",
    "{0}",
    "{a",
    "{a!r}",
    "{a:5}",
    "{a[b}",
    "{a]}",
    "{a.}",
    "{a{b}}",
  ];
  for (const template of templates) await failing(() => parseTemplate(template));
  await failing(() => parseTemplate(7 as unknown as string));
  const data = {
    get thrown() {
      throw new Error("no");
    },
    object: {},
    none: null,
    nan: Number.NaN,
  };
  for (const field of ["{missing}", "{thrown}", "{object}", "{none.x}", "{nan}"]) {
    await failing(() => parseTemplate(field)(data));
  }
}

async function failAtDrivers(): Promise<void> {
  const { driver } = new Scripted();
  register(driver);
  await failing(() => register({ ...driver, name: "impostor" }));
  await failing(() => new Coordinator({ backendUrl: "unknown:" }).start());
  // Not installed; installed, but broken; one that registers nothing.
  for (const source of [undefined, "throw new Error('broken')", ""]) {
    pretendProgram(source);
    await failing(() => new Coordinator({ backendUrl: "file:" }).start());
  }
}

async function failAtLocks({ clock, start, make, backend }: World): Promise<void> {
  const [one, other] = [await start(), await start()];
  const lock = one.getLock("x");
  for (const name of [7, null, [], "", "\ud800"]) await failing(() => one.getLock(name as string));
  const bad = [{ timeout: -1 }, { signal: 5 }, { shared: "yes" }, { wait: true }];
  for (const options of bad) await failing(() => lock.acquire(options as {}));
  const broken = [{ force: "yes" }, { token: 5 }, { now: true }];
  for (const options of broken) await failing(() => lock.break(options as {}));
  const hold = await lock.acquire();
  await failing(() => lock.acquire({ timeout: 0 }));
  await failing(() => other.getLock("x").acquire({ timeout: 0 }));
  await failing(() => hold.assertHeld({ atLeast: -1 }));
  await failing(() => hold.assertHeld({ atLeast: ttl }));
  await failing(() => lock.run(() => lock.run(() => 1), { timeout: 0 }));
  await hold.release();
  await failing(() => lock.run(() => lock.run(() => 1)));
  await failing(() => hold.assertHeld());
  for (const lose of [() => backend.revoke("x"), () => clock.freeze(ttl), () => void one.stop()]) {
    const next = await lock.acquire();
    lose();
    await settled();
    await failing(() => next.assertHeld());
    await clock.advance(70_000);
  }
  await failing(() => one.getLock("x"));
  const run = other.getLock("x").run(() => backend.revoke("x"));
  await failing(() => run);
  await failing(() => make().getLock("x"));
  await failing(() => start({ require: { groups: true } }));
  backend.dropReply("inspect");
  await Promise.all([failing(() => other.getLock("x").inspect()), clock.advance(ttl)]);
  backend.down();
  await Promise.all([failing(() => start()), clock.advance(ttl)]);
  await clock.advance(ttl);
  await failing(() => other.getLock("x").tryAcquire());
  backend.up();
  const machine = new Machine(clock, new MemoryServer(clock));
  const url = parseBackendUrl("memory:").read(machine.driver);
  const { signal } = new AbortController();
  const info = { member: "me" };
  const log = recorder([]);
  const state = (): void => {};
  const session = await machine.driver.open(url, {
    memberId: "me",
    ttl,
    info,
    clock,
    log,
    signal,
    state,
  });
  await session.close(signal);
  const onAbort = (): (() => void) => () => {};
  const request = { name: "x", owner: "1", mode: "exclusive", wait: true, info } as const;
  await failing(() => session.acquire({ ...request, signal, onAbort }));
}

async function failAtTheBackend(log: string[]): Promise<void> {
  const [backend, clock] = [new Scripted(), new VirtualClock()];
  backend.traits = { ...backend.traits, shared: false };
  const options = { drivers: [backend.driver], clock, ttl, logger: recorder(log) };
  const coordinator = new Coordinator({ ...options, backendUrl: "scripted:?timeout=5" });
  backend.opening = () => new Promise(() => {});
  const starting = failing(() => coordinator.start());
  await settled();
  await Promise.all([coordinator.stop(), starting]);
  backend.opening = () => Promise.resolve();
  await coordinator.start();
  const lock = coordinator.getLock("x");
  await failing(() => lock.acquire({ shared: true }));
  await failing(() => lock.break());
  backend.session.asking = () => Promise.reject(new Error("EIO"));
  await failing(() => lock.acquire());
  backend.session.asking = () => Promise.resolve();
  const hold = await lock.acquire();
  backend.session.releasing = () => new Promise(() => {});
  const disposed = hold[Symbol.asyncDispose]();
  backend.session.beating = () => Promise.reject(new Error("ECONNRESET"));
  await Promise.all([failing(() => hold.release()), disposed, clock.advance(6_000)]);
  const late = new AbortController();
  backend.session.releasing = () => Promise.resolve();
  backend.session.beating = () => Promise.resolve();
  await clock.advance(6_000);
  backend.session.asking = () =>
    new Promise((_, reject) => late.signal.addEventListener("abort", () => reject(away())));
  const given = new AbortController();
  const gone = lock.acquire({ signal: given.signal }).catch(() => {});
  await settled();
  given.abort();
  late.abort();
  await gone;
  backend.opening = () => Promise.reject(away());
  backend.session.closing = () => new Promise(() => {});
  backend.session.end("session");
  await clock.advance(60_000);
  await coordinator.stop();
}

async function failAtFunctions(): Promise<void> {
  const never = (): never => {
    throw new Error("called");
  };
  await failing(() => defaultLock("x"));
  configureDefaultCoordinator({ drivers: [new Scripted().driver], backendUrl: "scripted:" });
  await failing(() => configureDefaultCoordinator({}));
  await failing(() => defaultLock("x"));
  await failing(() => synchronized("x", { wait: true } as {}));
  await failing(() => synchronized("x", { parameters: "a" as unknown as string[] }));
  await failing(() => synchronized("x")(7 as unknown as () => void));
  await failing(() => synchronized("x")(function* generate() {}));
  await failing(() => synchronized("x")(class Thing {} as unknown as () => void));
  await failing(() =>
    synchronized("{f_name}")(
      (
        () => () =>
          1
      )(),
    ),
  );
  await failing(() => synchronized("{b}")((a: unknown) => a)(1));
  await failing(() => synchronized("{a}")(Math.max)(1));
  await failing(() => synchronized("{a}")((a = 5) => a)());
  await failing(() =>
    synchronized("{a}")(({ a }: { a: string }) => a)({
      get a() {
        return never();
      },
    }),
  );
}
