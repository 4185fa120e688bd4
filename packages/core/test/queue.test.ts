import { describe, expect, test } from "vitest";
import { FairQueues, type Ticket } from "../src/queue.js";

/** Enters the queue and notes when it is its turn. */
function enter(queues: FairQueues, served: string[], who: string, shared = false): Ticket {
  const ticket = queues.enter("name", shared);
  void Promise.resolve(ticket.turn).then(() => served.push(who));
  return ticket;
}

const settled = (): Promise<void> => new Promise(setImmediate);

describe("a fair queue", () => {
  test("serves the first at once and the others one after another, in order of arrival", async () => {
    const queues = new FairQueues();
    const served: string[] = [];
    const tickets = ["a", "b", "c"].map((who) => enter(queues, served, who));
    expect(tickets.map(({ turn }) => turn === undefined)).toEqual([true, false, false]);
    await settled();
    expect(served).toEqual(["a"]);
    tickets[0]?.leave();
    await settled();
    expect(served).toEqual(["a", "b"]);
    tickets[1]?.leave();
    await settled();
    expect(served).toEqual(["a", "b", "c"]);
  });

  test("serves neighbouring readers together, and a writer between them alone", async () => {
    const queues = new FairQueues();
    const served: string[] = [];
    const [r1, r2, w, r3] = [
      enter(queues, served, "r1", true),
      enter(queues, served, "r2", true),
      enter(queues, served, "w"),
      enter(queues, served, "r3", true),
    ];
    await settled();
    expect(served).toEqual(["r1", "r2"]);
    r1.leave();
    await settled();
    expect(served).toEqual(["r1", "r2"]);
    r2.leave();
    await settled();
    expect(served).toEqual(["r1", "r2", "w"]);
    w.leave();
    await settled();
    expect(served).toEqual(["r1", "r2", "w", "r3"]);
    r3.leave();
    expect(queues.size).toBe(0);
  });

  test("lets the readers behind a writer in when the writer gives up", async () => {
    const queues = new FairQueues();
    const served: string[] = [];
    enter(queues, served, "r1", true);
    const writer = enter(queues, served, "w");
    enter(queues, served, "r2", true);
    writer.leave();
    await settled();
    expect(served).toEqual(["r1", "r2"]);
  });

  test("keeps names apart and forgets those that nobody asks for", () => {
    const queues = new FairQueues();
    const tickets = ["a", "b"].map((name) => queues.enter(name, false));
    expect(queues.size).toBe(2);
    for (const ticket of tickets) ticket.leave();
    expect(queues.size).toBe(0);
  });

  test("takes leaving twice as leaving once", async () => {
    const queues = new FairQueues();
    const served: string[] = [];
    const first = enter(queues, served, "a");
    enter(queues, served, "b");
    enter(queues, served, "c");
    first.leave();
    first.leave();
    await settled();
    expect(served).toEqual(["a", "b"]);
  });

  test("gives up 20,000 places in the middle of a line without walking through it each time", () => {
    const queues = new FairQueues();
    const tickets = Array.from({ length: 20_000 }, () => queues.enter("name", false));
    const startedAt = performance.now();
    for (const ticket of tickets.toReversed()) ticket.leave();
    expect(queues.size).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});
