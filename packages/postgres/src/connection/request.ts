import { Query, type Connection } from "pg";

/** The rows that the last statement of a request gave, as text. */
export type Rows = readonly (readonly (string | null)[])[];

/** A prepared statement, and what it is asked for: in SQL each is a constant, in the protocol a text. */
export interface Call {
  readonly statement: string;
  readonly args: readonly string[];
}

type Done = (error: Error | undefined, rows: Rows) => void;

/** What of pg's connection we use, which its types do not tell. */
interface Messages extends Omit<Connection, "bind" | "execute"> {
  bind(config: { statement: string; values: readonly string[] }): void;
  execute(config: object): void;
}

// In a pipeline pg takes no requests but its own; how one is sent and answered is ours, for its way of
// reading rows takes longer than the server does. Of its class only the type is in the way: methods are properties there.
const Base = Query as unknown as new (text: string) => { callback: unknown };

/** One request, and what is answered to it. */
export class Request extends Base {
  readonly #what: string | Call;
  readonly #done: Done;
  #rows: (string | null)[][] = [];
  #isDescribed = false;

  /** @param what statements, or a prepared one to be asked for without any others under way */
  constructor(what: string | Call, done: Done) {
    super("");
    // pg looks whether there is one.
    this.callback = done;
    this.#what = what;
    this.#done = done;
  }

  submit(connection: Messages): null {
    if (typeof this.#what === "string") {
      connection.query(this.#what);
      return null;
    }
    const { statement, args } = this.#what;
    connection.stream.cork();
    connection.bind({ statement, values: args });
    connection.execute({});
    connection.sync();
    connection.stream.uncork();
    return null;
  }

  handleRowDescription(): void {
    this.#rows = [];
    this.#isDescribed = true;
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    this.#rows.push(fields);
  }

  handleCommandComplete(): void {
    // One of several that gives none.
    if (typeof this.#what === "string" && !this.#isDescribed) this.#rows = [];
    this.#isDescribed = false;
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete();
  }

  handleError(error: Error): void {
    this.#done(error, []);
  }

  handleReadyForQuery(): void {
    this.#done(undefined, this.#rows);
  }
}
