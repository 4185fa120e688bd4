import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { LineProcess, type ProcessOptions } from "@coord/testkit";

/** Runs a program given as text. */
function run(program: string, options?: ProcessOptions): LineProcess {
  return LineProcess.start("-e", [program], options);
}

/** Runs the body of an async function that uses the kit, as it was built. */
function runWithKit(body: string): LineProcess {
  const kit = new URL("../dist/index.js", import.meta.url).href;
  return run(`import(${JSON.stringify(kit)}).then(async ({ LineProcess }) => { ${body} });`);
}

/** A program that says "ready" and then repeats every line it is sent. */
const echo = `process.stdin.pipe(process.stdout); console.log("ready");`;

/** A program that says "ready" and then works for ever without a look at anything. */
const busy = `console.log("ready"); for (;;);`;

/** Whether a process runs, or could: one that has ended may still be there if nobody asked how. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== "linux" || threadStates(pid).some((state) => state !== "Z");
  } catch {
    return false;
  }
}

/** The states of a process's threads, as Linux has them. */
function threadStates(pid: number): string[] {
  const folder = `/proc/${pid}/task`;
  return readdirSync(folder).map((thread) => {
    const status = readFileSync(`${folder}/${thread}/status`, "utf8");
    return /^State:\t(.)/m.exec(status)?.[1] ?? "none";
  });
}

describe("lines", () => {
  test("come in the order in which they were printed", async () => {
    await using child = run(`for (let i = 0; i < 1000; i += 1) console.log("line " + i);`);
    for (let i = 0; i < 1000; i += 1) expect(await child.next("")).toBe(`line ${i}`);
  });

  test("that do not match stay for others", async () => {
    await using child = run(`console.log("a 1\\nb 2\\na 3\\nb 4");`);
    expect(await child.next("b")).toBe("b 2");
    expect(await child.next(/^b \d$/)).toBe("b 4");
    expect(await child.next("a")).toBe("a 1");
    expect(await child.next("a")).toBe("a 3");
  });

  test("are had by those who waited first", async () => {
    await using child = run(echo);
    const [first, other, second] = [child.next("x"), child.next("y"), child.next("x")];
    for (const line of ["x 1", "x 2", "y 3"]) child.send(line);
    expect(await Promise.all([first, second, other])).toEqual(["x 1", "x 2", "y 3"]);
  });

  test("are whole, whatever the pieces they come in and the characters in them", async () => {
    await using child = run(`
      const bytes = Buffer.from("caf\\u00e9\\u2028 \\r|\\n");
      (async () => {
        for (const byte of bytes) await new Promise((done) => process.stdout.write(Buffer.of(byte), done));
      })();
    `);
    expect(await child.next("")).toBe("café\u2028 \r|");
  });

  test("printed just before a process ends are not lost", async () => {
    await using child = run(
      `console.log("x".repeat(100_000)); process.kill(process.pid, "SIGKILL");`,
    );
    await child.exited;
    expect(await child.next("x")).toHaveLength(100_000);
  });

  test("that never come are reported with all that was printed", async () => {
    await using child = run(`console.log("out"); console.error("err"); process.exitCode = 3;`);
    const failure = child.next(/never/);
    await expect(failure).rejects.toThrow(/No line \/never\/ came before it ended/);
    await expect(failure).rejects.toThrow(/exited with code 3/);
    await expect(failure).rejects.toThrow(/stdout:\nout\n[^]*stderr:\nerr\n/);
    const error = await child.next("never").catch((reason: unknown) => reason);
    expect(error).toHaveProperty("stack", expect.stringMatching(/ended[^]* at .*process\.test/));
  });

  test("that do not come in time are reported, and come to the next one who asks", async () => {
    await using child = run(echo);
    await child.next("ready");
    const failure = child.next("late", { within: 1 });
    await expect(failure).rejects.toThrow(/"late" came within 1 ms[^]*still running[^]*ready/);
    child.send("late");
    expect(await child.next("late")).toBe("late");
  });
});

describe("starting", () => {
  test("a command that is not there throws", () => {
    expect(() => LineProcess.start("x", [], { command: "/nowhere/x" })).toThrow(
      /cannot be started/,
    );
  });

  test("loads modules, and sets variables and the folder", async () => {
    const module = `data:text/javascript,globalThis.loaded = "loaded"`;
    const program = `console.log(loaded, process.env.ADDED, process.env.HOME, process.cwd());`;
    const env = { ADDED: "added", HOME: undefined };
    await using child = run(program, { imports: [module], env, cwd: "/" });
    expect(await child.next("")).toBe("loaded added undefined /");
  });

  test("another command than node", async () => {
    const command = "/usr/bin/python3";
    await using child = LineProcess.start("-c", ["print(input())"], { command });
    child.send("hello");
    expect(await child.next("")).toBe("hello");
    expect(await child.exited).toEqual({ code: 0, signal: null });
  });
});

describe("ending", () => {
  test("kill() resolves when it is dead, and a wait for a line then rejects", async () => {
    await using child = run(echo);
    await child.next("ready");
    const waiting = child.next("never");
    expect(await child.kill()).toEqual({ code: null, signal: "SIGKILL" });
    expect(isAlive(child.pid)).toBe(false);
    await expect(waiting).rejects.toThrow(/was ended by SIGKILL/);
    expect(await child.kill()).toEqual({ code: null, signal: "SIGKILL" });
  });

  test("other signals can be sent", async () => {
    await using child = run(`process.on("SIGTERM", () => process.exit(7)); ${echo}`);
    await child.next("ready");
    expect(await child.kill("SIGTERM")).toEqual({ code: 7, signal: null });
  });

  test("end() lets it end by itself", async () => {
    await using child = run(echo);
    expect(await child.end()).toEqual({ code: 0, signal: null });
  });

  // Vitest fails a run with unhandled errors: these would be some.
  test("neither writing to the dead nor waits for them that nobody looks at are errors", async () => {
    await using child = run(busy);
    await child.next("ready");
    void child.next("never");
    child.send("x".repeat(1_000_000));
    expect(await child.kill()).toEqual({ code: null, signal: "SIGKILL" });
    child.send("more");
    await new Promise(setImmediate);
  });

  test("disposing kills even what is paused", async () => {
    let pid: number;
    {
      await using child = run(busy);
      ({ pid } = child);
      await child.next("ready");
      await child.pause();
    }
    expect(isAlive(pid)).toBe(false);
  });

  test("disposing leaves nothing that keeps a process from ending", async () => {
    await using parent = runWithKit(`
      const child = LineProcess.start("-e", [${JSON.stringify(busy)}]);
      await child.next("ready");
      child.next("never", { within: 2 ** 30 });
      console.log("listeners", process.listenerCount("exit"));
      await child[Symbol.asyncDispose]();
      console.log("listeners", process.listenerCount("exit"));
    `);
    expect(await parent.exited).toEqual({ code: 0, signal: null });
    expect(await parent.next("")).toBe("listeners 1");
    expect(await parent.next("")).toBe("listeners 0");
  });

  test("disposing does not wait for grandchildren", async () => {
    const program = `
      const child = require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(busy)}], { stdio: "inherit" });
      console.log("grandchild " + child.pid);
    `;
    let grandchild: number;
    {
      await using child = run(program);
      grandchild = Number((await child.next("grandchild ")).split(" ")[1]);
      await child.next("ready");
    }
    expect(isAlive(grandchild)).toBe(true);
    process.kill(grandchild, "SIGKILL");
  });

  test("it ends with the process that started it", async () => {
    await using parent = runWithKit(`
      const child = LineProcess.start("-e", [${JSON.stringify(busy)}]);
      await child.next("ready");
      console.log("child " + child.pid);
      process.stdin.once("data", () => process.exit());
    `);
    const pid = Number((await parent.next("child ")).split(" ")[1]);
    parent.send("exit");
    await parent.exited;
    await expect.poll(() => isAlive(pid)).toBe(false);
  });
});

describe("pausing", () => {
  test("keeps it from answering until it is resumed", async () => {
    await using child = run(echo);
    await child.next("ready");
    await child.pause();
    child.send("while paused");
    // In the time in which another one starts and answers, it has not.
    await using other = run(echo);
    await other.next("ready");
    other.send("meanwhile");
    await other.next("meanwhile");
    await expect(child.next("while", { within: 1 })).rejects.toThrow(/still running/);
    child.resume();
    expect(await child.next("while")).toBe("while paused");
  });

  test.runIf(process.platform === "linux")(
    "resolves only when all its threads stand still",
    async () => {
      await using child = run(`
        const { Worker } = require("worker_threads");
        const work = 'require("worker_threads").parentPort.postMessage(0); for (;;);';
        let working = 0;
        const begun = () => {
          if ((working += 1) < 3) return;
          console.log("ready");
          for (;;);
        };
        for (let i = 0; i < 3; i += 1) new Worker(work, { eval: true }).once("message", begun);
      `);
      await child.next("ready");
      for (let round = 0; round < 20; round += 1) {
        await child.pause();
        expect([...new Set(threadStates(child.pid))]).toEqual(["T"]);
        child.resume();
      }
    },
  );

  test("rejects when it has ended", async () => {
    await using child = run(`console.log("last words");`);
    await child.exited;
    await expect(child.pause()).rejects.toThrow(/cannot be paused/);
    child.resume();
  });
});
