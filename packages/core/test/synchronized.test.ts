import { runInThisContext } from "node:vm";
import { beforeEach, describe, expect, expectTypeOf, test, vi } from "vitest";
import { connect, synchronized, type Coordinator } from "@coord/core";
import { Scripted } from "./scripted.js";

let backend: Scripted;
let coordinator: Coordinator;

beforeEach(async () => {
  backend = new Scripted();
  coordinator = await connect("scripted:", { drivers: [backend.driver], prefix: "p-" });
  return () => coordinator.stop();
});

/** The names of the locks asked for, in order, without the prefix. */
function names(): string[] {
  return backend.session.requests.map(({ name }) => name.slice(2));
}

/** What is held while it is called. */
function held(): string[] {
  return [...backend.held.keys()];
}

interface Share {
  id: string;
}

describe("as a decorator", () => {
  test("of a method runs it under the lock that this call's arguments name", async () => {
    class Shares {
      readonly id = "s";
      @synchronized("{f_name}-{share.id}-{snapshot[name]}-{this.id}", { coordinator })
      async remove(share: Share, snapshot: { name: string }): Promise<unknown[]> {
        await Promise.resolve();
        return [this.id, share, snapshot, ...held()];
      }
    }
    const [first, second] = [{ id: "7" }, { name: "n" }];
    const result = await new Shares().remove(first, second);
    expect(result).toEqual(["s", first, second, "p-remove-7-n-s"]);
    expect(held()).toEqual([]);
    expect([Shares.prototype.remove.name, Shares.prototype.remove.length]).toEqual(["remove", 2]);
    expectTypeOf<Shares["remove"]>().returns.resolves.toEqualTypeOf<unknown[]>();
  });

  test("of static, private and computed methods and of fields knows their names", async () => {
    const key = "computed";
    const symbol = Symbol("sign");
    class Shares {
      @synchronized("{f_name}-{id}", { coordinator })
      static async make(id: number): Promise<string[]> {
        return [...held(), String(id)];
      }
      @synchronized("{f_name}-{id}", { coordinator })
      async #hidden(id: number): Promise<string[]> {
        return [...held(), String(id)];
      }
      @synchronized("{f_name}-{id}", { coordinator })
      async [key](id: number): Promise<string[]> {
        return [...held(), String(id)];
      }
      @synchronized("{f_name}-{id}", { coordinator })
      async [symbol](id: number): Promise<string[]> {
        return [...held(), String(id)];
      }
      @synchronized("{f_name}-{id}", { coordinator })
      field = async (id: number): Promise<string[]> => [...held(), String(id)];
      hidden(id: number): Promise<string[]> {
        return this.#hidden(id);
      }
    }
    const shares = new Shares();
    expect(await Shares.make(1)).toEqual(["p-make-1", "1"]);
    expect(await shares.hidden(2)).toEqual(["p-#hidden-2", "2"]);
    expect(await shares.computed(3)).toEqual(["p-computed-3", "3"]);
    expect(await shares[symbol](4)).toEqual(["p-[sign]-4", "4"]);
    expect(await shares.field(5)).toEqual(["p-field-5", "5"]);
  });

  test("twice, takes both locks, the outer first, and both find the parameters", async () => {
    class Shares {
      @synchronized("outer-{a.id}", { coordinator })
      @synchronized("inner-{b}", { coordinator })
      async move(a: Share, b: number): Promise<string[]> {
        return [a.id, String(b), ...held()];
      }
    }
    expect(await new Shares().move({ id: "x" }, 2)).toEqual(["x", "2", "p-outer-x", "p-inner-2"]);
  });

  test("lets a function make the name of the same this and arguments", async () => {
    class Shares {
      readonly zone = "z";
      @synchronized(
        function (this: { zone: string }, share: Share) {
          return `{${this.zone}}${share.id}`;
        },
        { coordinator },
      )
      async remove(share: Share, _force: boolean): Promise<string[]> {
        return [share.id, ...held()];
      }
    }
    expect(await new Shares().remove({ id: "7" }, true)).toEqual(["7", "p-{z}7"]);
  });

  test("of what is no method is refused where it decorates", () => {
    const decorator = synchronized("x", { coordinator });
    const refused = (...args: unknown[]): unknown => {
      try {
        return Reflect.apply(decorator, undefined, args);
      } catch (error) {
        return error;
      }
    };
    const fn = async (): Promise<void> => {};
    const kinds: unknown[][] = [
      [fn, { kind: "getter", name: "x" }],
      [fn, { kind: "setter", name: "x" }],
      [{}, { kind: "accessor", name: "x" }],
      [class {}, { kind: "class", name: "X" }],
      [class {}],
      [{}, "x", { get: fn }],
      [{}, "x", undefined],
      [{}, "x", 0],
      [undefined],
      [null],
      ["a function"],
      [function* () {}],
      [async function* () {}],
      [{}, "x", { value: function* () {} }],
      [function* () {}, { kind: "method", name: "x" }],
    ];
    for (const args of kinds) {
      expect(refused(...args)).toMatchObject({
        code: "COORD_BAD_OPTION",
        message: expect.stringContaining("Use it as the decorator of a method"),
      });
    }
    const field = refused(undefined, { kind: "field", name: "x" }) as (value: unknown) => unknown;
    expect(() => field(5)).toThrow(expect.objectContaining({ code: "COORD_BAD_OPTION" }));
  });
});

describe("as a wrapper", () => {
  test("gives a promise, passes this and all arguments on, and keeps name, length and source", async () => {
    function add(this: { base: number }, a: number, b: number, ...more: number[]): number {
      return [a, b, ...more].reduce((sum, value) => sum + value, this.base);
    }
    const wrapped = synchronized("sum-{a}-{more[1]}", { coordinator })(add);
    expectTypeOf(wrapped).returns.toEqualTypeOf<Promise<number>>();
    expect(await wrapped.call({ base: 100 }, 1, 2, 3, 4)).toBe(110);
    expect(names()).toEqual(["sum-1-4"]);
    expect([wrapped.name, wrapped.length, String(wrapped)]).toEqual(["add", 2, String(add)]);
    const many = [() => 1, () => 2].map(synchronized("x", { coordinator }));
    expect(await Promise.all(many.map((each) => each()))).toEqual([1, 2]);
  });

  test("makes what the function throws a rejection, and releases", async () => {
    const error = new Error("body");
    const wrapped = synchronized("x", { coordinator })(() => {
      throw error;
    });
    await expect(wrapped()).rejects.toBe(error);
    expect(held()).toEqual([]);
  });

  test("lets one in at a time for a name, and others in beside it", async () => {
    const order: string[] = [];
    const work = synchronized("{name}", { coordinator })(async (name: string, turn: number) => {
      order.push(`${name}${turn} in`);
      await new Promise(setImmediate);
      order.push(`${name}${turn} out`);
    });
    await Promise.all([work("a", 1), work("a", 2), work("b", 1)]);
    const a = order.filter((line) => line.startsWith("a"));
    expect(a).toEqual(["a1 in", "a1 out", "a2 in", "a2 out"]);
    expect(order.indexOf("b1 in")).toBeLessThan(order.indexOf("a1 out"));
  });

  test("passes timeout, signal and shared on", async () => {
    const hold = await coordinator.getLock("x").acquire({ shared: true });
    const soon = synchronized("x", { coordinator, timeout: 0 })(() => 1);
    await expect(soon()).rejects.toMatchObject({ code: "COORD_BUSY" });
    const together = synchronized("x", { coordinator, shared: true })(() => 2);
    expect(await together()).toBe(2);
    const reason = new Error("enough");
    const aborted = synchronized("x", { coordinator, signal: AbortSignal.abort(reason) })(() => 3);
    await expect(aborted()).rejects.toBe(reason);
    await hold.release();
  });

  test("rejects COORD_LOST with the result when the lock was lost meanwhile", async () => {
    const work = synchronized("x", { coordinator })(async () => {
      backend.held.get("p-x")?.lose("taken");
      await new Promise(setImmediate);
      return 42;
    });
    await expect(work()).rejects.toMatchObject({ code: "COORD_LOST", result: 42 });
  });

  test("rejects with what is wrong with the name or the coordinator, and does not call the function", async () => {
    const called: unknown[] = [];
    const body = (value: unknown): unknown => called.push(value);
    const named = synchronized((value: string) => value, { coordinator })(body);
    for (const name of ["", "\ud800", undefined, 5, {}]) {
      await expect(Reflect.apply(named, undefined, [name])).rejects.toMatchObject({
        code: "COORD_BAD_NAME",
      });
    }
    const failing = new Error("no name");
    const throwing = synchronized(
      () => {
        throw failing;
      },
      { coordinator },
    )(body);
    await expect(throwing(1)).rejects.toBe(failing);
    await coordinator.stop();
    await expect(named("x")).rejects.toMatchObject({ code: "COORD_STOPPED" });
    expect(called).toEqual([]);
  });
});

describe("options", () => {
  test.each([
    [{ blocking: false }, 'no option "blocking". Use one of: timeout,'],
    [{ parameters: "a" }, '"parameters" must be'],
    [{ parameters: [5] }, '"parameters" must be'],
  ])("%o are COORD_BAD_OPTION at once", (options, message) => {
    expect(() => Reflect.apply(synchronized, undefined, ["x", options])).toThrow(
      expect.objectContaining({
        code: "COORD_BAD_OPTION",
        message: expect.stringContaining(message),
      }),
    );
  });

  test("do not let the types pass what cannot work", () => {
    const never = (): void => {
      const decorator = synchronized((share: Share) => share.id);
      decorator(async (share: Share, force: boolean) => [share, force]);
      // @ts-expect-error The name is made of a share.
      decorator(async (id: string) => id);
      class Shares {
        // @ts-expect-error A method that is no promise would be one.
        @synchronized("x")
        remove(): number {
          return 1;
        }
      }
      return void Shares;
    };
    expect(never).toBeTypeOf("function");
  });
});

/** Runs `source`, which is a function or an object with the method `m`, under `template`. */
async function nameMade(source: string, template: string, args: unknown[]): Promise<string> {
  const value = runInThisContext(`(${source})`) as (() => unknown) | { m: () => unknown };
  const fn = typeof value === "function" ? value : value.m;
  await Reflect.apply(synchronized(template, { coordinator })(fn), { id: "self" }, args);
  return names().at(-1) ?? "";
}

async function refusal(source: string, template: string, args: unknown[]): Promise<string> {
  const before = names().length;
  const made = nameMade(source, template, args).catch((error: unknown) => error);
  const error = await made;
  expect(error).toMatchObject({ code: "COORD_BAD_TEMPLATE" });
  expect(names()).toHaveLength(before);
  return error instanceof Error ? error.message : "";
}

describe("the names of the parameters", () => {
  test.each<[string, string, unknown[], string]>([
    ["function f(a, b) {}", "{f_name}-{b}", [1, 2], "f-2"],
    ["function (a, b) {}", "{a}", [1, 2], "1"],
    ["async function f(a) {}", "{a}", [1], "1"],
    ["a => 1", "{a}", [1], "1"],
    ["(a, b) => ({})", "{a}{b}", [1, 2], "12"],
    ["async a => a", "{a}", [1], "1"],
    ["async (a) => { await a; }", "{a}", [1], "1"],
    ["async /* (x) */ function /* y */ f(/* z, */ a /* = 1 */) {}", "{a}", [1], "1"],
    ["{ m(a) {} }", "{f_name}{a}{this.id}", [1], "m1self"],
    ["{ async m(a) { return super.toString(); } }", "{a}", [1], "1"],
    ["{ async(a) {}, get m() { return this.async; } }", "{f_name}{a}", [1], "async1"],
    ["{ get(a) {}, get m() { return this.get; } }", "{a}", [1], "1"],
    ["{ function(a) {}, get m() { return this.function; } }", "{a}", [1], "1"],
    ["{ 'a b'(a) {}, get m() { return this['a b']; } }", "{f_name}{a}", [1], "a b1"],
    ["{ 5(a) {}, get m() { return this[5]; } }", "{a}", [1], "1"],
    ["{ ['m'](a) {} }", "{a}", [1], "1"],
    ["class { static async m(a) {} }.m", "{f_name}{a}", [1], "m1"],
    [
      "class { static #p(a) { return () => this.#q; } static #q; static m = this.#p }.m",
      "{a}",
      [1],
      "1",
    ],
    ["class { static m = async (a) => super.x }.m", "{a}", [1], "1"],
    ["class { #q; static m = (a) => #q in a }.m", "{a.x}", [{ x: 1 }], "1"],
    ["class extends Array { static m(a) { return super.of(a); } }.m", "{a}", [1], "1"],
    ["function (a) { with (a) { return 010; } }", "{a.b}", [{ b: 1 }], "1"],
    ["function (await, yield, let, async, of) {}", "{await}{let}{of}", [1, 2, 3, 4, 5], "135"],
    ["(aé, $_, 中) => 1", "{aé}{$_}{中}", [1, 2, 3], "123"],
    ["Object.assign((a) => a, { toString: () => 'a => import.meta.url' })", "{a}", [1], "1"],
    ["(\\u0061b) => 1", "{ab}", [1], "1"],
    ["function (a, a) {}", "{a}", [1, 2], "2"],
    ["(a = 5) => 1", "{a}", [1], "1"],
    ["(a = ((x, y) => x)(1, 2), b = '){') => 1", "{a}{b}", [1, 2], "12"],
    ["(a = 5) => 1", "{a}", [0], "0"],
    ["(...a) => 1", "{a[1]}{a.length}", [1, 2], "22"],
    ["(a, ...[b, c]) => 1", "{a}{b}{c}", [1, 2, 3], "123"],
    ["({ id }) => 1", "{id}", [{ id: 1 }], "1"],
    [
      "({ share: { id: shareId }, 'x-y': y, 5: z, n: [, m] }, b) => 1",
      "{shareId}{y}{z}{m}{b}",
      [{ share: { id: 1 }, "x-y": 2, 5: 3, n: [0, 4] }, 5],
      "12345",
    ],
    ["({ id = 5, ...rest }) => 1", "{id}{rest.b}", [{ id: 1, b: 2 }], "12"],
    ["({ [`${1}`]: a, b }) => 1", "{b}", [{ 1: 1, b: 2 }], "2"],
    ["({ ['a']: b }) => 1", "{b}", [{ a: 1 }], "1"],
    ["({ length }) => 1", "{length}", ["four"], "4"],
    ["([a, [b], ...c]) => 1", "{a}{b}{c[0]}", [[1, [2], 3]], "123"],
    ["({ id } = {}) => 1", "{id}", [{ id: 1 }], "1"],
    ["({ a: { id } = {} } = {}) => 1", "{id}", [{ a: { id: 1 } }], "1"],
    [
      "(constructor, __proto__, toString) => 1",
      "{constructor}{__proto__}{toString}",
      [1, 2, 3],
      "123",
    ],
    ["function f(f_name) {}", "{f_name}", ["not this"], "f"],
    ["(a) => 1", "{{{a[{b]}}}{{c}}", [{ "{b": 1 }], "{1}{c}"],
  ])("of %s in %s for %j make %s", async (source, template, args, name) => {
    expect(await nameMade(source, template, args)).toBe(name);
  });

  test("are given where the source does not tell them", async () => {
    const options = { coordinator, parameters: ["a", "share"] };
    const bound = synchronized("{share.id}", options)(((_: number, share: Share) => share).bind(0));
    expect(await bound(1, { id: "x" })).toEqual({ id: "x" });
    expect(await synchronized("{a}-{f_name}", options)(Math.abs)(-1)).toBe(1);
    expect(names()).toEqual(["x", "-1-abs"]);
    expect(() => synchronized("{b}", options)).toThrow(
      /^The template's field \{b\} is none of the function's parameters. Use one of a, share, f_name, this;/,
    );
  });

  test("are not needed by a template without them", async () => {
    const bound = (() => 1).bind(0);
    expect(await synchronized("{f_name}-{this.id}", { coordinator })(bound).call({ id: 7 })).toBe(
      1,
    );
    expect(names()).toEqual(["bound -7"]);
  });

  test.each([
    ["Math.max", "it is native or bound"],
    ["(a => a).bind(0)", "it is native or bound"],
    ["new Proxy(a => a, {})", "it is native or bound"],
    ["Object.assign(a => a, { toString: () => 'async (' })", "reading its source failed"],
    ["Object.assign(a => a, { toString: () => '' })", "reading its source failed"],
    ["Object.assign(a => a, { toString: () => 'static a' })", "it is not that of a function"],
  ])("of %s cannot be known: the call says why and to give them", async (source, why) => {
    const message = await refusal(source, "{a}", [1]);
    expect(message).toContain(why);
    expect(message).toMatch(/Give them as \{ parameters: \["first", "second"\] \}\.$/);
  });

  test.each<[string, string, unknown[], string]>([
    [
      "(a, { b }) => 1",
      "{c}",
      [1],
      "none of the function's parameters. Use one of a, b, f_name, this;",
    ],
    ["({ [a.b]: c, ...d }) => 1", "{d}", [1], "none of the function's parameters"],
    ["({ [a.b]: c, ...d }) => 1", "{c}", [1], "none of the function's parameters"],
    ["(b, { [b]: c }) => 1", "{c}", ["k", { b: 1, k: 2 }], "none of the function's parameters"],
    ["(a = 5) => 1", "{a}", [], "{a} has no value: the argument was left out"],
    ["(a = 5) => 1", "{a}", [undefined], "{a} has no value: the argument was left out"],
    ["({ a: { b } = {} } = {}) => 1", "{b}", [], "{b} has no value: the argument was left out"],
    ["({ a: [b] = [] }) => 1", "{b}", [{}], "{b} has no value: the argument was left out"],
    ["(a = 5) => 1", "{a}", [null], "a is null"],
    ["(a) => 1", "{a}", [], "a is undefined"],
    ["({ a }) => 1", "{a}", [], "a is undefined"],
    ["([a]) => 1", "{a}", [new Set(["x"])], "a is undefined"],
    ["(...[a]) => 1", "{a}", [], "a is undefined"],
    ["(a) => 1", "{this.name}", [], "this.name is undefined"],
    ["(a) => 1", "{this}", [], "this is an object"],
  ])("of %s in %s for %j make no name", async (source, template, args, why) => {
    expect(await refusal(source, template, args)).toContain(why);
  });

  test("of an argument that cannot be taken apart make no name: why is the cause", async () => {
    const cause = new TypeError("the database is away");
    const read = synchronized("{a}", { coordinator })(({ a }: { a: string }) => a);
    const broken = {
      get a(): string {
        throw cause;
      },
    };
    await expect(read(broken)).rejects.toMatchObject({ code: "COORD_BAD_TEMPLATE", cause });
  });

  test("are looked for again after that failed", async () => {
    let reads = 0;
    const toString = (): string => (reads++ === 0 ? "(" : "(a) => a");
    const work = synchronized("{a}", { coordinator })(
      Object.assign((a: number) => a, { toString }),
    );
    await expect(work(1)).rejects.toMatchObject({ code: "COORD_BAD_TEMPLATE" });
    expect([await work(2), await work(3), reads]).toEqual([2, 3, 2]);
  });

  test("cost nothing where they are not needed: the parser is loaded with the first that are", async () => {
    const loaded = vi.fn<() => void>();
    vi.resetModules();
    vi.doMock("acorn", (original) => {
      loaded();
      return original();
    });
    const copy = await import("@coord/core");
    const other = await copy.connect("scripted:", { drivers: [backend.driver] });
    const options = { coordinator: other };
    const one = (a: number): number => a;
    await copy.synchronized("{f_name}-{this}", options)(one).call(1, 1);
    await copy.synchronized("{a}", { ...options, parameters: ["a"] })(one)(1);
    await copy.synchronized((a: number) => `${a}`, options)(one)(1);
    expect(loaded).not.toHaveBeenCalled();
    await copy.synchronized("{a}", options)(one)(1);
    expect(loaded).toHaveBeenCalledOnce();
    vi.doUnmock("acorn");
    await other.stop();
  });

  test("are those of the moment of the call, the first ones of which go in order", async () => {
    const order: number[] = [];
    const work = synchronized("x-{a.id}", { coordinator })(async (a: Share, turn: number) => {
      order.push(turn);
      await new Promise(setImmediate);
      return a.id;
    });
    const all = [0, 1, 2, 3].map((turn) => work({ id: "same" }, turn));
    expect(await Promise.all(all)).toEqual(["same", "same", "same", "same"]);
    expect(order).toEqual([0, 1, 2, 3]);
    const share = { id: "before" };
    const called = work(share, 4);
    share.id = "after";
    expect(await called).toBe("after");
    expect(names().at(-1)).toBe("x-before");
  });
});

describe("a template", () => {
  test.each(["{", "{a!r}", "{}", undefined, null, 5])(
    "%s is refused where it decorates",
    (name) => {
      expect(() => Reflect.apply(synchronized, undefined, [name])).toThrow(
        expect.objectContaining({ code: "COORD_BAD_TEMPLATE" }),
      );
    },
  );

  test("with the name of a function that has none is refused, too", () => {
    const anonymous = (
      () => () =>
        1
    )();
    expect(() => synchronized("{f_name}", { coordinator })(anonymous)).toThrow(
      /the function has no name\. Give it one\.$/,
    );
  });
});
