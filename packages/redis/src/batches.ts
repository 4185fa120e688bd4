import type { Connections } from "./connection/connect.js";
import { isReply } from "./connection/failures.js";
import type { Script } from "./connection/script.js";
import type { LockKeys } from "./keys.js";

/** Of how many locks one script asks: the server does nothing else meanwhile. */
const most = 32;

/** A script for many locks at once, and what is the same for all of them. */
export interface Question {
  readonly script: Script;
  readonly args: readonly string[];
  /** Whether it gives the same answer when it is asked again. */
  readonly isRepeatable: boolean;
}

/** What it is asked about one lock. */
export interface Part {
  readonly keys: LockKeys;
  readonly args: readonly string[];
  /** Whether somebody still waits for the answer. */
  readonly isWanted: () => boolean;
}

interface Asked {
  readonly part: Part;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Has a script asked about many locks at once: the first in a turn of the event loop goes by itself
 * and at once, what follows in that turn goes together, in the order in which it was asked.
 */
export class Batches {
  readonly #connection: () => Connections;
  #hasSent = false;
  #question: Question | undefined;
  #asked: Asked[] = [];

  /** @param connection the one there is; throws where there is none */
  constructor(connection: () => Connections) {
    this.#connection = connection;
  }

  /** What the script answers for this lock. */
  ask(question: Question, part: Part): Promise<unknown> {
    try {
      const connection = this.#connection();
      if (!this.#hasSent || !connection.together) {
        this.flush();
        this.#turnBegins();
        return askOne(connection, question, part);
      }
    } catch (error) {
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      if (question !== this.#question || this.#asked.length === most) this.flush();
      this.#question = question;
      this.#asked.push({ part, resolve, reject });
    });
  }

  /** Sends what was asked, before anything else is. */
  flush(): void {
    const [question, asked] = [this.#question, this.#asked];
    if (!question || asked.length === 0) return;
    this.#asked = [];
    try {
      askAll(this.#connection(), question, asked);
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }

  #turnBegins(): void {
    if (this.#hasSent) return;
    this.#hasSent = true;
    process.nextTick(this.#turnEnds);
  }

  readonly #turnEnds = (): void => {
    this.#hasSent = false;
    this.flush();
  };
}

function askOne(connection: Connections, question: Question, part: Part): Promise<unknown> {
  const args = [...question.args, ...part.args];
  return connection.commands.run(question.script, part.keys, args, part.isWanted);
}

function askAll(connection: Connections, question: Question, asked: readonly Asked[]): void {
  const keys: string[] = [];
  const args = [...question.args];
  for (const { part } of asked) {
    keys.push(...part.keys);
    args.push(...part.args);
  }
  const areWanted = (): boolean => asked.every(({ part }) => part.isWanted());
  connection.commands.run(question.script, keys, args, areWanted).then(
    (answer) => {
      const answers = asked.length === 1 ? [answer] : (answer as unknown[]);
      for (const [index, { resolve }] of asked.entries()) resolve(answers[index]);
    },
    (error: unknown) => {
      for (const { part, resolve, reject } of asked) {
        // It may be about one of them only. What is not wanted may have been taken back already.
        const again = question.isRepeatable && isReply(error) && part.isWanted();
        if (again) askOne(connection, question, part).then(resolve, reject);
        else reject(error);
      }
    },
  );
}
