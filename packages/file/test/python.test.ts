import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { file } from "@coord/file";
import { connect, type Lock } from "@coord/core";
import { LineProcess } from "@coord/testkit";
import { expect, onTestFinished, test } from "vitest";
import { temporaryFolder, urlOf } from "./place.js";

/** Locks the file as Tooz does, through fasteners: `lockf` on the whole of it. */
const program = `
import fcntl, sys
f = open(sys.argv[1], "a")
for line in sys.stdin:
    if line == "lock\\n":
        fcntl.lockf(f, fcntl.LOCK_EX)
        print("locked", flush=True)
    elif line == "try\\n":
        try:
            fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            print("tried locked", flush=True)
        except OSError:
            print("tried busy", flush=True)
    elif line == "unlock\\n":
        fcntl.lockf(f, fcntl.LOCK_UN)
        print("unlocked", flush=True)
`;

/** A lock of ours, and a process of Debian's Python on the same file. */
async function pair(): Promise<{ lock: Lock; python: LineProcess; path: string }> {
  const folder = temporaryFolder();
  const coordinator = await connect(urlOf(folder), { drivers: [file] });
  const path = join(folder, "mylock");
  const python = LineProcess.start("-c", [program, path], { command: "/usr/bin/python3" });
  onTestFinished(async () => {
    await python[Symbol.asyncDispose]();
    await coordinator.stop();
  });
  return { lock: coordinator.getLock("mylock"), python, path };
}

test("what we hold, Python's fcntl.lockf finds busy, and waits for", async () => {
  const { lock, python } = await pair();
  const hold = await lock.acquire();
  python.send("try");
  await python.next("tried busy");
  python.send("lock");
  await hold.release();
  await python.next("locked");
  expect(await lock.tryAcquire()).toBeUndefined();
});

test("what Python holds, we find busy by a holder we do not know, and wait for", async () => {
  const { lock, python } = await pair();
  python.send("lock");
  await python.next("locked");
  expect(await lock.tryAcquire()).toBeUndefined();
  await expect(lock.acquire({ timeout: 0 })).rejects.toMatchObject({
    code: "COORD_BUSY",
    holders: [{ member: "unknown" }],
  });
  expect(await lock.inspect()).toEqual({ holders: [{ member: "unknown" }], waiters: [] });
  const waiting = lock.acquire();
  python.send("unlock");
  await python.next("unlocked");
  const hold = await waiting;
  python.send("try");
  await python.next("tried busy");
  await hold.release();
});

test("what a killed Python held is ours", async () => {
  const { lock, python } = await pair();
  python.send("lock");
  await python.next("locked");
  const waiting = lock.acquire();
  await python.kill();
  const hold = await waiting;
  expect(hold.token).toBeGreaterThan(0n);
  await hold.release();
});

test("reading and writing the lock file in this process gives nothing away", async () => {
  const { lock, python, path } = await pair();
  const hold = await lock.acquire();
  // A POSIX record lock would be gone with the first of these.
  await appendFile(path, "data of somebody's");
  expect(await readFile(path, "utf8")).toBe("data of somebody's");
  python.send("try");
  await python.next("tried busy");
  await hold.release();
  expect(await readFile(path, "utf8")).toBe("data of somebody's");
});
