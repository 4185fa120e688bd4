/** A wrong core: one line of it changed, which breaks one rule. */
export interface Mutant {
  readonly rule: `R${number}`;
  /** Below `packages/core/src`. */
  readonly file: string;
  /** The line, without its indentation. There is one such line in the file. */
  readonly from: string;
  readonly to: string;
}

export const mutants: readonly Mutant[] = [
  {
    rule: "R1",
    file: "lease.ts",
    from: "return this.#sentAt + this.#ttl;",
    to: "return this.#sentAt + 2 * this.#ttl;",
  },
  {
    rule: "R2",
    file: "lease.ts",
    from: "return this.endsAt - marginOf(this.#ttl);",
    to: "return this.endsAt;",
  },
  {
    rule: "R3",
    file: "lock-table.ts",
    from: "const granted = await this.#request(session, request, attempt, ticket);",
    to: "const granted = await this.#request(session, new Request(name, owner + Math.random(), want, this.info, attempt), attempt, ticket);",
  },
  {
    rule: "R4",
    file: "memory/server.ts",
    from: "const entry = this.#sessions.get(id)?.owned.get(owner);",
    to: "const [entry] = [...this.#lines.values()].flatMap((line) => [...line]);",
  },
  {
    rule: "R5",
    file: "beats.ts",
    from: "this.#wait(Math.max(0, sentAt + this.#every - this.#clock.now()));",
    to: "if (answered) this.#wait(Math.max(0, sentAt + this.#every - this.#clock.now()));",
  },
  {
    rule: "R6",
    file: "lease.ts",
    from: "if (sentAt <= this.#sentAt || this.#clock.now() >= this.usableUntil) return;",
    to: "if (sentAt <= this.#sentAt) return;",
  },
  {
    rule: "R7",
    file: "hold.ts",
    from: "this.#keeper.releaseFailed(this, error);",
    to: "throw error;",
  },
  {
    rule: "R8",
    file: "returns.ts",
    from: "await this.#give(pending, granted).catch(failed);",
    to: "this.#done(pending);",
  },
  {
    rule: "R9",
    file: "beats.ts",
    from: "const ttl = session.lease.ttl === Infinity ? pace.ttl : session.lease.ttl;",
    to: "const { ttl } = session.lease;",
  },
  {
    rule: "R10",
    file: "names.ts",
    from: "return prefix + name;",
    to: "return prefix + name.normalize();",
  },
  {
    rule: "R11",
    file: "url.ts",
    from: "const shownUser = password === undefined ? userinfo : `${username}:***@`;",
    to: "const shownUser = userinfo;",
  },
  {
    rule: "R12",
    file: "sessions.ts",
    from: "this.#deadlines = new Deadlines(settings.clock, cleanUpWithin);",
    to: "this.#deadlines = new Deadlines(settings.clock, Infinity);",
  },
  {
    rule: "R13",
    file: "awake.ts",
    from: "if (this.#reasons > 0) return;",
    to: "if (this.#reasons >= 0) return;",
  },
  {
    rule: "R14",
    file: "coordinator.ts",
    from: 'return new CoordError("COORD_STOPPED", "The coordinator was stopped. Call start() to go on.");',
    to: 'return new CoordError("COORD_STOPPED", "The coordinator was stopped.");',
  },
  {
    rule: "R15",
    file: "queue.ts",
    from: "if (!this.#waiting?.size && this.#admits(ticket)) {",
    to: "if (this.#admits(ticket)) {",
  },
];
