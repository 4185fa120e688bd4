import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { CoordError } from "../src/errors.js";
import { parseTemplate, renderTemplate } from "../src/template.js";

class Share {
  readonly #id: string;
  constructor(id: string) {
    this.#id = id;
  }
  get id(): string {
    return this.#id;
  }
  get broken(): string {
    throw new TypeError("the database is away");
  }
  rename(): void {}
}

const secret = "hunter2secret7";

function renderOrFail(template: string, data: Record<string, unknown>): string | CoordError {
  try {
    return renderTemplate(template, data);
  } catch (error) {
    if (error instanceof CoordError) return error;
    throw new Error(`not a CoordError, for ${template}`, { cause: error });
  }
}

function failure(template: string, data: Record<string, unknown>): CoordError {
  const outcome = renderOrFail(template, data);
  if (typeof outcome === "string") throw new Error(`nothing was thrown: ${outcome}`);
  return outcome;
}

describe("a template", () => {
  test.each<[string, Record<string, unknown>, string]>([
    ["", {}, ""],
    ["plain text", {}, "plain text"],
    ["{a}", { a: "x" }, "x"],
    ["<{a}-{b}-{a}>", { a: "x", b: "y" }, "<x-y-x>"],
    ["{a.b.c}", { a: { b: { c: "x" } } }, "x"],
    ["{a[b]}", { a: { b: "x" } }, "x"],
    ["{a[b][c].d[e]}", { a: { b: { c: { d: { e: "x" } } } } }, "x"],
    ["{a[1]}{a[0].b}", { a: [{ b: "x" }, "y"] }, "yx"],
    ["{a[b.c]}", { a: { "b.c": "x" } }, "x"],
    ["{a[}]}{a[{]}", { a: { "}": "x", "{": "y" } }, "xy"],
    ["{a[b!c:d]}", { a: { "b!c:d": "x" } }, "x"],
    ["{a['b']}", { a: { b: "x", "'b'": "y" } }, "y"],
    ["{a[ b ]}", { a: { " b ": "x" } }, "x"],
    ["{a-b}{ c }{$d}{é}", { "a-b": 1, " c ": 2, $d: 3, é: 4 }, "1234"],
    ["{{a}}", { a: "x" }, "{a}"],
    ["{{{a}}}", { a: "x" }, "{x}"],
    ["}}{{", {}, "}{"],
    ["{{{{{a}}}}}", { a: "x" }, "{{x}}"],
    ["{a}", { a: "{b}{{" }, "{b}{{"],
    ["{a}", { a: "" }, ""],
    ["{a.length}{a[0]}", { a: "xyz" }, "3x"],
    ["{share.id}{share[id]}", { share: new Share("s1") }, "s1s1"],
    ["{share.constructor.name}", { share: new Share("s1") }, "Share"],
    ["{a[k]}{a.size}", { a: new Map([["k", "x"]]) }, "x1"],
    ["{constructor}", { constructor: "x" }, "x"],
    ["{a}", Object.assign(Object.create(null), { a: "x" }), "x"],
  ])("%j of %o is %j", (template, data, name) => {
    expect(renderTemplate(template, data)).toBe(name);
  });

  test.each<[unknown, string]>([
    [0, "0"],
    [-0, "0"],
    [-1.5, "-1.5"],
    [1e21, "1e+21"],
    [12345678901234567890n, "12345678901234567890"],
    [true, "true"],
    [false, "false"],
  ])("makes %o to %j", (a, name) => {
    expect(renderTemplate("{a}", { a })).toBe(name);
  });

  test("is parsed once and used many times", () => {
    const template = parseTemplate("share-{share.id}");
    const ids = ["a", "b"];
    expect(ids.map((id) => template({ share: new Share(id) }))).toEqual(["share-a", "share-b"]);
  });

  test("finds names that the data inherits from a class", () => {
    const share = new Share("s1");
    expect(Reflect.apply(renderTemplate, undefined, ["{id}", share])).toBe("s1");
  });
});

describe("a template that cannot be understood", () => {
  test.each([
    ["{}", 1, "write {name}"],
    ["a{0}", 2, "write {name}"],
    ["{00.a}", 1, "write {name}"],
    ["{.a}", 1, "write {name}"],
    ["{[a]}", 1, "write {name}"],
    ["{a.}", 1, "write {a.b} or {a[key]}"],
    ["{a..b}", 1, "write {a.b} or {a[key]}"],
    ["{a[]}", 1, "write {a.b} or {a[key]}"],
    ["ab{a.b[].c}", 3, "write {a.b} or {a[key]}"],
    ["{a[b]c}", 6, "write {a.b} or {a[key]}"],
    ["{a[b]]}", 6, "write {a.b} or {a[key]}"],
    ["{a]}", 3, "write {a.b} or {a[key]}"],
    ["{a.b]}", 5, "write {a.b} or {a[key]}"],
    ["{a!r}", 3, "format its value before"],
    ["{a:>5}", 3, "format its value before"],
    ["{a.b:{c}}", 5, "format its value before"],
    ["{a[b]!s}", 6, "format its value before"],
    ["{", 2, "write {{ for a brace"],
    ["x{a", 4, "close it with }"],
    ["{a[b]", 6, "close it with }"],
    ["{{{", 4, "close it with }"],
    ["{a[b}", 3, "write {a[key]}"],
    ["{a{b}}", 3, "close the field with }"],
    ["}", 1, "write }} for a brace"],
    ["{a}}", 4, "write }} for a brace"],
    ["{{a}", 4, "write }} for a brace"],
    ["}}}", 3, "write }} for a brace"],
  ])("is %s: it says so of character %d, and to %s", (template, character, advice) => {
    const error = failure(template, { a: secret, b: secret });
    expect(error.code).toBe("COORD_BAD_TEMPLATE");
    expect(error.message).toContain(`at character ${character},`);
    expect(error.message).toContain(advice);
    expect(() => parseTemplate(template)).toThrow(error.message);
  });

  test.each([undefined, null, 5, {}])("is no string: %s", (value) => {
    expect(() => Reflect.apply(parseTemplate, undefined, [value])).toThrow("give one such as");
  });
});

describe("a field without a usable value", () => {
  test.each<[string, Record<string, unknown>, string]>([
    ["{a}", {}, "a is undefined"],
    ["{a}", { b: secret }, "a is undefined"],
    ["{a}", { a: undefined }, "a is undefined"],
    ["{a}", { a: null }, "a is null"],
    ["{a.b}", { a: {} }, "a.b is undefined"],
    ["{a.b.c}", { a: {} }, "a.b is undefined"],
    ["{a.b[c].d}", { a: { b: null } }, "a.b is null"],
    ["{a[7]}", { a: [secret] }, "a[7] is undefined"],
    ["{a[k]}", { a: new Map([["x", secret]]) }, "a[k] is undefined"],
    ["{a[size]}", { a: new Map() }, "a[size] is undefined"],
    ["{a}", { a: { b: secret } }, "a is an object"],
    ["{a}", { a: [secret] }, "a is an object"],
    ["{a}", { a: new Date() }, "a is an object"],
    ["{a}", { a: Object(secret) }, "a is an object"],
    ["{a}", { a: { toString: () => secret } }, "a is an object"],
    ["{a}", { a: () => secret }, "a is a function"],
    ["{a.rename}", { a: new Share(secret) }, "a.rename is a function"],
    ["{a.constructor}", { a: {} }, "a.constructor is a function"],
    ["{a.__proto__}", { a: {} }, "a.__proto__ is an object"],
    ["{a}", { a: Symbol(secret) }, "a is a symbol"],
    ["{a}", { a: Number.NaN }, "a is not a finite number"],
    ["{a}", { a: Infinity }, "a is not a finite number"],
    ["{a}", { a: -Infinity }, "a is not a finite number"],
    ["{toString}", {}, "toString is undefined"],
    ["{constructor.name}", {}, "constructor is undefined"],
    ["{__proto__.constructor.name}", {}, "__proto__ is undefined"],
  ])("makes no name: %s of %o", (template, data, reason) => {
    const error = failure(`x-${template}`, data);
    expect(error.code).toBe("COORD_BAD_TEMPLATE");
    expect(error.message).toContain(
      `field ${template} has no value for a name: ${reason}. Give it`,
    );
    expect(inspect(error)).not.toContain(secret);
  });

  test.each([
    ["{a.broken}", "reading a.broken failed"],
    ["{a[broken].x}", "reading a[broken] failed"],
  ])("is %s when reading it throws: the error is the cause", (template, reason) => {
    const error = failure(template, { a: new Share("s1") });
    expect(error.code).toBe("COORD_BAD_TEMPLATE");
    expect(error.message).toContain(reason);
    expect(error.message).not.toContain("database");
    expect(error.cause).toEqual(new TypeError("the database is away"));
  });

  test("is one of data that refuses to be read", () => {
    const { proxy, revoke } = Proxy.revocable<Record<string, unknown>>({}, {});
    revoke();
    expect(failure("{a}", proxy).message).toContain("reading a failed");
    expect(failure("{toString}", proxy).message).toContain("reading toString failed");
  });
});
