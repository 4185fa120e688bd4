import { connect, type Coordinator, type Lock } from "@coord/core";
import { zookeeper } from "@coord/zookeeper";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { Candidate } from "../src/candidate.js";
import type { Connection, Follower } from "../src/connection/connection.js";
import { Following } from "../src/connection/following.js";
import { FollowedFolders } from "../src/followed.js";
import { contendersOf } from "../src/paths.js";
import { Administrator } from "./administrator.js";
import { Relay, type Unknown } from "./relay.js";
import { folderOf } from "./subject.js";
import { ZooKeeperServer } from "./zookeeper-server.js";

/** Numbers of ZooKeeper's protocol. */
const kinds = { create: 1, delete: 2, data: 4, children: 12, follow: 106, unfollow: 18 };

let server: ZooKeeperServer;
let administrator: Administrator;
beforeAll(async () => {
  server = await ZooKeeperServer.start();
  administrator = await Administrator.connect(server.port);
});
afterAll(async () => {
  administrator[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

interface Member {
  readonly coordinator: Coordinator;
  readonly lock: Lock;
  readonly relay: Relay;
  /** How often something was asked about the lock's folder, or a node in its line. */
  readonly count: (kind: number) => number;
}

interface MemberOptions {
  /** What its server does not know. */
  readonly unknown?: Unknown;
  /** `user:password`, for one whose nodes nobody else may read. */
  readonly user?: string;
  /** Six times as long as from one beat to the next. */
  readonly ttl?: number;
}

async function member(
  url: string,
  { unknown, user, ttl = 3_000 }: MemberOptions = {},
): Promise<Member> {
  const relay = await Relay.start(server.port, unknown);
  onTestFinished(() => relay[Symbol.dispose]());
  const own = url
    .replace(String(server.port), String(relay.port))
    .replace("//", user === undefined ? "//" : `//${user}@`);
  const coordinator = await connect(own, { drivers: [zookeeper], ttl });
  onTestFinished(() => coordinator.stop());
  const count = (kind: number): number =>
    relay.asked.filter((each) => each.kind === kind && /\/locks\/x($|.*__lock__)/.test(each.path))
      .length;
  return { coordinator, lock: coordinator.getLock("x"), relay, count };
}

/** All have it in turns: each asks again as soon as it has given it back. @returns the tokens, in their order */
async function turns(members: readonly Member[], each: number): Promise<bigint[]> {
  const tokens: bigint[] = [];
  let inside = 0;
  const run = async ({ lock }: Member): Promise<void> => {
    for (let turn = 0; turn < each; turn++) {
      const hold = await lock.acquire({ timeout: 10_000 });
      inside += 1;
      expect(inside).toBe(1);
      tokens.push(hold.token);
      await new Promise(setImmediate);
      inside -= 1;
      await hold.release();
    }
  };
  await Promise.all(members.map(run));
  expect(tokens).toEqual(tokens.toSorted((one, two) => (one < two ? -1 : 1)));
  return tokens;
}

async function waiters({ lock }: Member, count: number): Promise<void> {
  await expect.poll(async () => (await lock.inspect()).waiters.length).toBe(count);
}

describe("a lock that several want at once", () => {
  test("takes, once that is known, a node made and a node deleted for each turn, and nothing else", async () => {
    const url = server.url();
    // Beats look what is not wanted, which on a busy machine may be in the middle.
    const long = { ttl: 60_000 };
    const members = [await member(url, long), await member(url, long), await member(url, long)];
    await turns(members, 5);
    const counts = (kind: number): number[] => members.map(({ count }) => count(kind));
    const [lists, looks, made] = [counts(kinds.children), counts(kinds.data), counts(kinds.create)];
    expect(await turns(members, 20)).toHaveLength(60);
    expect(counts(kinds.create)).toEqual(made.map((count) => count + 20));
    expect(counts(kinds.children)).toEqual(lists);
    // Which a beat may have, of what is held just then.
    for (const [index, count] of counts(kinds.data).entries()) {
      expect(count - (looks[index] ?? 0)).toBeLessThan(5);
    }
  });

  test("is followed no more soon after nobody wanted it from another, and again when that changes", async () => {
    const url = server.url();
    const members = [await member(url), await member(url)];
    const follows = (): number[] => members.map(({ count }) => count(kinds.follow));
    const left = (): number[] =>
      members.map(({ count }) => count(kinds.follow) - count(kinds.unfollow));
    for (let times = 0; times < 2; times++) {
      const before = follows();
      // Until each has been in the other's way often enough.
      while (follows().some((count, index) => count === before[index])) await turns(members, 5);
      await expect.poll(left, { timeout: 5_000 }).toEqual([0, 0]);
    }
  });

  test.each([
    ["do not answer who wants to follow", false],
    ["refuse it and close the connection", true],
  ])("is handed over by servers before 3.6, too, which %s", async (_, isSaid) => {
    const url = server.url();
    const unknown = { kind: kinds.follow, isSaid };
    const members = [
      await member(url, { unknown }),
      await member(url, { unknown }),
      await member(url),
    ];
    expect(await turns(members, 10)).toHaveLength(30);
    // Of one that does not know it that is asked once.
    const asked = members.map(({ count }) => count(kinds.follow));
    expect(asked).toEqual([1, 1, expect.any(Number)]);
    expect(members.map(({ coordinator }) => coordinator.state)).toEqual(
      members.map(() => "connected"),
    );
  });

  test("is not got past somebody whose nodes we may not read, of which servers tell nothing", async () => {
    const url = server.url();
    const long = { ttl: 60_000 };
    const members = [await member(url, long), await member(url, long)] as const;
    const [one] = members;
    const other = await member(url, { ...long, user: "user:secret" });
    await turns(members, 5);
    const follows = one.count(kinds.follow);
    expect(follows).toBe(1);
    for (let times = 0; times < 3; times++) {
      const hold = await other.lock.acquire();
      expect(await one.lock.tryAcquire()).toBeUndefined();
      await hold.release();
      // What is told of some only is not asked for again and again.
      await turns(members, 3);
    }
    expect(one.count(kinds.follow)).toBe(follows);
  });

  test("is not got by a node that somebody removed: who waits by it enters again, behind the others", async () => {
    const url = server.url();
    const [holder, one, other] = [await member(url), await member(url), await member(url)];
    await turns([holder, one, other], 5);
    const hold = await holder.lock.acquire();
    const served: string[] = [];
    const first = one.lock.run(() => void served.push("first"));
    await waiters(holder, 1);
    const second = other.lock.run(() => void served.push("second"));
    await waiters(holder, 2);
    const folder = folderOf(url, "x");
    const [, removed] = contendersOf(await administrator.children(folder));
    await administrator.delete(`${folder}/${removed?.node}`);
    await expect
      .poll(async () => contendersOf(await administrator.children(folder)).length)
      .toBe(3);
    expect(served).toEqual([]);
    await hold.release();
    await Promise.all([first, second]);
    expect(served).toEqual(["second", "first"]);
  });

  test("is watched by who waits for long, too, whatever is told: once for whom it waits", async () => {
    const url = server.url();
    const [holder, one] = [await member(url), await member(url)];
    await turns([holder, one], 5);
    const before = one.count(kinds.data);
    const hold = await holder.lock.acquire();
    const next = one.lock.acquire();
    await waiters(holder, 1);
    expect(one.count(kinds.data)).toBe(before);
    await expect.poll(() => one.count(kinds.data), { timeout: 5_000 }).toBe(before + 1);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(one.count(kinds.data)).toBe(before + 1);
    await hold.release();
    await (await next).release();
  });

  test("by a crowd is followed by few of them, and by nobody any more when it has grown", async () => {
    const url = server.url();
    const members = await Promise.all(Array.from({ length: 14 }, () => member(url)));
    expect(await turns(members, 4)).toHaveLength(56);
    const following = (): number =>
      members.filter(({ count }) => count(kinds.follow) > count(kinds.unfollow)).length;
    const holds = members.map(({ lock }) => lock.acquire());
    const [first] = members;
    if (first) await waiters(first, holds.length - 1);
    expect(following()).toBeLessThanOrEqual(10);
    const folder = folderOf(url, "x");
    const others = Array.from(
      { length: 30 },
      (_, index) => `${folder}/a__lock__${2_000_000_000 + index}`,
    );
    for (const node of others) await administrator.create(node, "");
    await expect.poll(following).toBe(0);
    await Promise.all(holds.map(async (next) => (await next).release()));
    for (const node of others) await administrator.delete(node);
  });
});

describe("whoever waits in a folder that is followed", () => {
  const [folder, node, blocker] = ["/x", "/x/own", "/x/other"];

  /** A wait for `blocker`, by what is told from a list on; and how often it was woken. */
  function wait(
    listed: readonly string[],
    made = 7,
  ): {
    follower: Follower;
    woken: () => number;
    giveUp: () => void;
    /** Whether it is begun to be followed for who asks next. */
    begins: () => boolean;
  } {
    let [follower, woken]: [Follower | undefined, number] = [undefined, 0];
    const connection = {
      follow: (_, begun) => (follower = begun),
      unfollow: () => {},
    } as Pick<Connection, "follow" | "unfollow"> as Connection;
    const candidate = { folder, node, blocker, wake: () => (woken += 1) } as unknown as Candidate;
    const followed = new FollowedFolders();
    // The first time is remembered, the second time it is followed, and that begins later.
    expect(followed.awaits(candidate, 2, connection)).toBe(false);
    expect(followed.awaits(candidate, 2, connection)).toBe(false);
    const begun = follower as Follower | undefined;
    if (!begun) throw new Error("It is not followed.");
    begun.began(listed, made);
    expect(followed.awaits(candidate, 2, connection)).toBe(true);
    return {
      follower: begun,
      woken: () => woken,
      giveUp: () => followed.forget(candidate),
      begins: () => {
        follower = undefined;
        followed.awaits(candidate, 2, connection);
        return follower !== undefined;
      },
    };
  }

  test("is woken once, when the node before its own is gone, or its own, and by no other", () => {
    for (const child of ["own", "other"]) {
      const { follower, woken } = wait(["own", "other", "another"]);
      follower.made("fourth");
      follower.deleted("another");
      expect(woken()).toBe(0);
      follower.deleted(child);
      follower.deleted(child);
      expect(woken()).toBe(1);
    }
  });

  test("is woken at once where one of them was gone before it began to wait, but was in its own list", () => {
    for (const listed of [["own"], ["other"]]) expect(wait(listed).woken()).toBe(1);
  });

  test("is not woken when it has given up", () => {
    const { follower, woken, giveUp } = wait(["own", "other"]);
    giveUp();
    follower.deleted("other");
    expect(woken()).toBe(0);
  });

  test("has it asked for when a node was made of which nothing was told, and that not again", () => {
    const { follower, woken, begins } = wait(["own", "other"]);
    follower.made("a__lock__0000000007");
    follower.made("guard-1234567890");
    follower.made("b__rlock__0000000009");
    expect(woken()).toBe(0);
    follower.made("c__lock__0000000011");
    expect([woken(), begins()]).toEqual([1, false]);
  });

  test("has it asked for when the folder was removed and made anew, and followed again", () => {
    const { follower, woken, begins } = wait(["own", "other"]);
    follower.made("a__lock__0000000000");
    expect([woken(), begins()]).toEqual([1, true]);
  });

  test("is not misled by numbers that turn from positive to negative", () => {
    const { follower, woken } = wait(["own", "other"], 0x7fff_ffff);
    follower.made("a__lock__2147483647");
    follower.made("a__lock__-2147483648");
    expect(woken()).toBe(0);
    follower.made("a__lock__-2147483646");
    expect(woken()).toBe(1);
  });

  test("is not told that servers cannot tell where the connection broke before the answer", () => {
    const unable: string[] = [];
    const following = new Following({
      send: () => {},
      unable: () => void unable.push("unable"),
      isWatched: () => false,
    });
    const follower = { began: () => {}, made: () => {}, deleted: () => {} };
    following.begin(folder, follower);
    expect(unable).toEqual([]);
    following.begin(folder, follower).listed([], 0);
    expect(unable).toEqual(["unable"]);
  });
});
