import fc, { assert } from "fast-check";
import { describe, expect, test } from "vitest";
import { fullName } from "../src/names.js";
import { renderTemplate } from "../src/template.js";
import { secret } from "./demo-url.js";
import { anyUnit, outcomeOf, shows, Tally } from "./fuzzing.js";
import { referenceName } from "./reference-template.js";

describe("names", () => {
  const anyName = fc.oneof(
    { weight: 5, arbitrary: fc.string({ unit: anyUnit, maxLength: 20 }) },
    fc.constantFrom("", undefined, null, 0, true, Symbol("x"), ["x"], { toString: () => "x" }),
  );

  test("are the prefix and the name where that is a text of whole characters, else COORD_BAD_NAME", () => {
    const tally = new Tally();
    const property = fc.property(fc.string({ unit: "binary" }), anyName, (prefix, name) => {
      const outcome = outcomeOf(() => fullName(prefix, name));
      const isName = typeof name === "string" && name !== "" && isText(name);
      return isName
        ? outcome === prefix + name && tally.add(outcome) === "accepted"
        : tally.add(outcome) === "COORD_BAD_NAME";
    });
    assert(property);
    expect(tally.outcomes()).toEqual(["COORD_BAD_NAME", "accepted"]);
  });
});

/** Whether its bytes give it back: only then do no two names have the same. */
function isText(name: string): boolean {
  return Buffer.from(name, "utf8").toString("utf8") === name;
}

describe("templates", () => {
  // Few, so that fields and data meet, and those that objects inherit.
  const names = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom("a", "b") },
    fc.constantFrom("é $", "constructor", "__proto__", "toString"),
  );
  const keys = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom("a", "b") },
    fc.constantFrom(
      "0",
      "length",
      "size",
      "x.y",
      "{",
      "}",
      "'a'",
      "!:",
      " ",
      "constructor",
      "name",
    ),
  );
  const leaf = fc.oneof(
    fc
      .string({ unit: fc.constantFrom("x", "{", "}", "{a}", "é", "\0"), maxLength: 3 })
      .map((text) => secret + text),
    fc.constantFrom<unknown>(0, -0, 1.5, 1e21, NaN, Infinity, 7n, true, false, null, undefined),
    fc.constantFrom<unknown>(Symbol(secret), () => secret, new Date(0), Object(secret)),
  );
  const node = (children: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> => {
    const record = fc.dictionary(keys, children, { maxKeys: 4 });
    return fc.oneof(
      leaf,
      record,
      record.map((entries) => new Map(Object.entries(entries))),
      record.map((entries) => Object.create(entries)),
      fc.array(children, { maxLength: 3 }),
      fc.constant({
        get a() {
          throw new Error("unreadable");
        },
      }),
    );
  };
  const entries = fc.dictionary(names, node(node(leaf)), { minKeys: 1, maxKeys: 5 });
  const data = fc.oneof(
    entries,
    entries.map((inherited): Record<string, unknown> => Object.create(inherited)),
  );

  const step = fc.oneof(
    keys.filter((key) => /^\w+$/.test(key)).map((key) => `.${key}`),
    keys.map((key) => `[${key}]`),
  );
  const field = fc
    .tuple(names, fc.array(step, { maxLength: 3 }))
    .map(([name, steps]) => `{${name}${steps.join("")}}`);
  const literal = fc.constantFrom("x", "é😀", "{{", "}}");
  const wrong = fc.constantFrom(
    "{}",
    "{0}",
    "{07.a}",
    "{a.}",
    "{a..b}",
    "{a[]}",
    "{a[b]c}",
    "{a!r}",
  );
  const piece = fc.constantFrom("{", "}", "{{", "}}", "{a", "[b]", ".", "b", ":", "0", "x");
  const template = fc.oneof(
    { weight: 4, arbitrary: fc.string({ unit: fc.oneof(field, literal), maxLength: 3 }) },
    fc.string({ unit: fc.oneof(field, literal, wrong), maxLength: 3 }),
    fc.string({ unit: piece, maxLength: 8 }),
  );

  test("give what a slow reading of the documentation gives, else COORD_BAD_TEMPLATE", () => {
    const tally = new Tally();
    const property = fc.property(template, data, (text, values) => {
      const outcome = outcomeOf(() => renderTemplate(text, values));
      const kind = tally.add(outcome);
      const name = referenceName(text, values);
      if (name !== undefined) return outcome === name;
      return kind === "COORD_BAD_TEMPLATE" && !shows(outcome, secret);
    });
    assert(property);
    expect(tally.outcomes()).toEqual(["COORD_BAD_TEMPLATE", "accepted"]);
  });

  test("with their braces doubled are themselves", () => {
    const text = fc.string({ unit: fc.oneof(anyUnit, fc.constantFrom("{", "}", "[", ".", "a")) });
    const property = fc.property(text, (literal) => {
      const doubled = literal.replaceAll("{", "{{").replaceAll("}", "}}");
      return renderTemplate(`${doubled}{a}${doubled}`, { a: literal }) === literal.repeat(3);
    });
    assert(property);
  });
});
