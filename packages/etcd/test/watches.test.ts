import { EventEmitter } from "node:events";
import { describe, expect, test } from "vitest";
import { Watches } from "../src/connection/watches.js";

/** What is watched by a stream whose server is the test, and what is told of it. */
function watches({ isGreeted = true } = {}) {
  const told: string[] = [];
  const streams: EventEmitter[] = [];
  const open = () => {
    const asked = { write: () => {}, cancel: () => void told.push("closed") };
    streams.push(Object.assign(new EventEmitter(), asked));
    return Promise.resolve(streams.at(-1) as never);
  };
  const it = new Watches(
    open,
    () => 0,
    () => {
      told.push("lost");
      if (isGreeted) it.close();
    },
  );
  return {
    told,
    watch: (name: string) =>
      it.watch(
        { key: Buffer.from(name) },
        {
          confirmed: () => void told.push(`${name} confirmed`),
          changed: () => void told.push(`${name} changed`),
          ended: () => void told.push(`${name} ended`),
        },
      ),
    renew: () => it.renew(),
    /** By the last stream, when that is open. */
    says: async (response: object) => {
      await new Promise((resolve) => setImmediate(resolve));
      streams.at(-1)?.emit("data", { header: { revision: "5" }, events: [], ...response });
    },
  };
}

const changes = [{ type: "Put", kv: {} }];

describe("a stream of what is watched", () => {
  test("is lost when it is refused something, and nothing is asked for by it any more", async () => {
    const it = watches();
    it.watch("a");
    it.watch("b");
    await it.says({ watch_id: "0", created: true });
    await it.says({ watch_id: "0", created: true, canceled: true });
    await it.says({ watch_id: "0", events: changes });
    expect(it.told).toEqual(["a confirmed", "lost", "closed"]);
  });

  test("of a connection that is being greeted has what is refused ended, and nothing else", async () => {
    const it = watches({ isGreeted: false });
    it.watch("a");
    it.watch("b");
    await it.says({ watch_id: "0", created: true });
    await it.says({ watch_id: "0", created: true, canceled: true });
    await it.says({ watch_id: "0", events: changes });
    expect(it.told).toEqual(["a confirmed", "lost", "b ended", "a changed"]);
  });

  test("ends for who listens when another is to be begun, and not for who has ended it", async () => {
    const it = watches();
    it.watch("a");
    it.watch("b");
    it.watch("c")();
    await it.says({ watch_id: "0", created: true });
    it.renew();
    expect(it.told).toEqual(["a confirmed", "b ended", "a ended"]);
    it.watch("d");
    await it.says({ watch_id: "0", created: true });
    expect(it.told.slice(3)).toEqual(["closed", "d confirmed"]);
  });

  test("goes on when one of what it watches cannot be seen any more", async () => {
    const it = watches();
    it.watch("a");
    it.watch("b");
    await it.says({ watch_id: "0", created: true });
    await it.says({ watch_id: "1", created: true });
    await it.says({ watch_id: "0", canceled: true });
    await it.says({ watch_id: "1", events: changes });
    expect(it.told).toEqual(["a confirmed", "b confirmed", "a ended", "b changed"]);
  });
});
