import { bars } from "./bars.js";

/** How far a process is. */
export interface Progress {
  readonly process: number;
  readonly done: number;
  /** How many there are to be; left out where it goes on until it is enough. */
  readonly of?: number;
  readonly state: "working" | "holds the lock" | "killed" | "reading" | "done";
}

/** Where to write: standard output, or what stands for it in a test. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** Shows lines of text and how far the processes are. */
export interface Screen {
  /** Prints a line; bars stay below it. */
  line(text?: string): void;
  /** Says how far a process is, when there is something new to say. */
  progress(progress: Progress): void;
  /** Leaves the bars as they are now; what follows comes below. */
  settle(): void;
  /** Gives the terminal back as it was. May be called at any time, and again. */
  close(): void;
}

/** Bars for a terminal; plain lines without escape sequences for everything else. */
export function openScreen(
  output: Output,
  environment: Readonly<Record<string, string | undefined>>,
): Screen {
  if (output.isTTY !== true || environment["TERM"] === "dumb") return lines(output);
  // https://no-color.org: present and not empty.
  return bars(output, { colour: (environment["NO_COLOR"] ?? "") === "" });
}

function lines(output: Output): Screen {
  const quarters = new Map<number, number>();
  const line = (text = ""): void => {
    output.write(`${text}\n`);
  };
  return {
    line,
    progress({ process, done, of, state }) {
      if (of === undefined) {
        if (state === "done") line(`process ${process}: ${done} readings`);
        return;
      }
      const quarter = Math.floor((4 * done) / of);
      if (quarter <= (quarters.get(process) ?? 0)) return;
      quarters.set(process, quarter);
      line(`process ${process}: ${done} of ${of} turns`);
    },
    settle: () => quarters.clear(),
    close() {},
  };
}
