import { readCounter, resetCounter } from "./counter.js";
import { milliseconds } from "./figures.js";
import type { HoldingReport, LockPlace } from "./messages.js";
import type { Killed, Run, Turn } from "./run.js";
import type { Progress, Screen } from "./screen.js";
import type { Team, Worker } from "./team.js";

/** Where the workers count, under which lock, and how often each. */
export interface Plan {
  readonly counter: string;
  readonly lock: LockPlace;
  readonly turns: number;
}

/**
 * Lets all workers of the team take their turns under the lock, kills one of them while it holds it,
 * and gives its remaining turns to a new one. When it resolves, all of them have ended.
 */
export function addWithLock(team: Team, plan: Plan, screen: Screen): Promise<Run> {
  return new Scene(team, plan, screen).play();
}

class Scene {
  readonly #team: Team;
  readonly #plan: Plan;
  readonly #screen: Screen;
  readonly #turns: Turn[] = [];
  readonly #asking = new Set<Worker>();
  #killed: Killed | undefined;
  #somebodyAsks = (): void => {};

  constructor(team: Team, plan: Plan, screen: Screen) {
    this.#team = team;
    this.#plan = plan;
    this.#screen = screen;
  }

  async play(): Promise<Run> {
    const { counter, lock, turns } = this.#plan;
    const workers = [...this.#team.workers];
    const expected = workers.length * turns;
    const [, victim] = workers;
    if (victim === undefined) throw new Error("one process is not enough");
    const others = workers.filter((worker) => worker !== victim);

    await resetCounter(counter);
    // The turn in which it is killed is not one of those that it took.
    const taken = Math.ceil(turns / 2) - 1;
    victim.tell({ kind: "work", counter, lock, turns, staysIn: taken + 1 });
    // However unfair the lock is: when one is killed, somebody is left to take over.
    for (const worker of others) {
      worker.tell({ kind: "work", counter, lock, turns, waitsForFinish: true });
    }
    await Promise.all(workers.map((worker) => worker.hear("ready")));
    for (const worker of workers) worker.tell({ kind: "go" });

    const othersDone = Promise.all(others.map((worker) => this.#follow(worker, turns)));
    const [killed] = await Promise.all([this.#kill(victim, taken, others), othersDone]);
    const ends = await Promise.all(
      this.#team.workers.map((worker) => (worker === victim ? worker.ended : worker.dismiss())),
    );
    return { expected, final: await readCounter(counter), turns: this.#turns, killed, ends };
  }

  /** Kills the victim once it holds the lock and another wants it; ends when its turns are made up for. */
  async #kill(victim: Worker, taken: number, others: readonly Worker[]): Promise<Killed> {
    const { counter, lock, turns } = this.#plan;
    const holding = await this.#follow(victim, turns);
    if (!holding) throw new Error(`${victim.name} ended its turns before it was killed`);
    for (const worker of others) worker.tell({ kind: "finish" });
    await Promise.race([this.#anybodyAsks(), this.#team.failed]);

    const { token, read, asked, from } = holding;
    const killed = {
      process: victim.number,
      token,
      read,
      asked,
      from,
      to: process.hrtime.bigint(),
    };
    this.#killed = killed;
    victim.kill();
    this.#screen.progress({ process: victim.number, done: taken, of: turns, state: "killed" });
    this.#screen.line(
      `${victim.name} (pid ${victim.pid}) was killed while it held the lock, with token ${token}`,
    );

    const replacement = this.#team.start();
    const missing = turns - taken;
    this.#screen.line(`${replacement.name} was started to take its remaining ${missing} turns`);
    replacement.tell({ kind: "work", counter, lock, turns: missing });
    await replacement.hear("ready");
    replacement.tell({ kind: "go" });
    await this.#follow(replacement, missing);
    return killed;
  }

  /** Hears a worker's reports until it has taken its turns, or holds the lock until it is killed. */
  async #follow(worker: Worker, of: number): Promise<HoldingReport | undefined> {
    let done = 0;
    const show = (state: Progress["state"]): void => {
      this.#screen.progress({ process: worker.number, done, of, state });
    };
    for (;;) {
      const report = await worker.hear("asking", "turn", "holding", "done");
      if (report.kind === "asking") {
        this.#asking.add(worker);
        this.#somebodyAsks();
        continue;
      }
      this.#asking.delete(worker);
      switch (report.kind) {
        case "turn": {
          const { token, wrote, asked, from, to } = report;
          this.#turns.push({ process: worker.number, token, wrote, asked, from, to });
          done += 1;
          show("working");
          if (wrote - 1 === this.#killed?.read) this.#tellOfTakeover(worker, report, this.#killed);
          break;
        }
        case "holding":
          show("holds the lock");
          return report;
        case "done":
          show("done");
          return undefined;
      }
    }
  }

  #tellOfTakeover(worker: Worker, { token, from }: Pick<Turn, "token" | "from">, killed: Killed) {
    const after = milliseconds(from - killed.to);
    this.#screen.line(`${worker.name} took over after ${after}, with token ${token}`);
  }

  #anybodyAsks(): Promise<void> {
    return new Promise((resolve) => {
      this.#somebodyAsks = resolve;
      if (this.#asking.size > 0) resolve();
    });
  }
}
