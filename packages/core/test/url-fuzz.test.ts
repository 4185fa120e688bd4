import { isDeepStrictEqual } from "node:util";
import fc, { assert } from "fast-check";
import { describe, expect, test } from "vitest";
import { Coordinator, CoordError } from "@coord/core";
import { own, read, secret } from "./demo-url.js";
import { anyUnit, outcomeOf, shows, Tally } from "./fuzzing.js";

const marks = Array.from("aZ09-._~ !\"#$%&'()*+,/:;<=>?@[\\]^`{|}\u0001\n\u00E9\u2028€😀");
const word = fc.string({ unit: fc.constantFrom(...marks), maxLength: 5 });
const wordOfOne = fc.string({ unit: fc.constantFrom(...marks), minLength: 1, maxLength: 5 });
const plain = { noNullPrototype: true } as const;

describe("URLs", () => {
  test("give back every part that was percent-encoded, and never show a secret", () => {
    const host = fc.record({ host: wordOfOne, port: fc.integer({ min: 1, max: 65_535 }) }, plain);
    const hosts = fc.array(host, { minLength: 1, maxLength: 2 });
    const property = fc.property(wordOfOne, word, hosts, word, (username, tail, list, path) => {
      const [password, encoded] = [secret + tail, encodeURIComponent(secret + tail)];
      const authority = list.map((one) => `${encodeURIComponent(one.host)}:${one.port}`).join(",");
      const url = read(
        `demo://${encodeURIComponent(username)}:${encoded}@${authority}` +
          `/${encodeURIComponent(path)}?keyfile_password=${encoded}`,
      );
      const got = [url.username, url.hosts, url.path, url.password, url.options.keyfile_password];
      const put = [username, list, `/${path}`, password, password];
      const shown = shows(url, secret) || JSON.stringify(url.options).includes(secret);
      return isDeepStrictEqual(got, put) && !shown;
    });
    assert(property);
  });

  test("that are damaged are read or refused with a code, and no message has the secret", () => {
    const original =
      `demo://user:${secret}@h:1,[::1]:2/path%20x` +
      `?timeout=5&keyfile_password=${secret}&namespace=n&db=1`;
    const damage = fc.record({
      at: fc.nat(original.length),
      without: fc.nat(2),
      put: fc.constantFrom(
        "",
        ...Array.from("://?#@%&=[],+ \n\0\uD800\\"),
        "%00",
        "%FF",
        "//",
        "::1",
        "é",
      ),
    });
    const tally = new Tally();
    const property = fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), (damages) => {
      let text = original;
      for (const { at, without, put } of damages) {
        text = text.slice(0, at) + put + text.slice(at + without);
      }
      const url = outcomeOf(() => read(text));
      tally.add(url);
      if (url instanceof CoordError) return !shows(url, secret);
      // Damage may have made the secret a user name, a host or a path: only then it is shown.
      const open = JSON.stringify([own(url), url.options]).includes(secret);
      return open || !shows(url, secret);
    });
    assert(property);
    expect(tally.outcomes()).toEqual(["COORD_BAD_OPTION", "COORD_BAD_URL", "accepted"]);
  });

  test("that are any text are read or refused with a code, and COORD_BAD_URL repeats nothing of it", () => {
    const pieces = ["//", "/", ":", "@", "?", "&", "=", "db", "%20", "%", "[::1]"];
    const tail = fc.string({ unit: fc.oneof(fc.constantFrom(...pieces), anyUnit) });
    const tally = new Tally();
    const property = fc.property(fc.constantFrom("", "demo:", "demo://"), tail, (start, rest) => {
      const url = outcomeOf(() => read(start + rest + secret));
      return tally.add(url) !== "COORD_BAD_URL" || !shows(url, secret);
    });
    assert(property);
    expect(tally.outcomes()).toEqual(["COORD_BAD_OPTION", "COORD_BAD_URL", "accepted"]);
  });
});

interface Given {
  readonly name: string;
  readonly text: string;
  /** What it is read as; undefined where it must be refused. */
  readonly value: unknown;
}

function good<T>(
  name: string,
  from: fc.Arbitrary<T>,
  write: (value: T) => string,
): fc.Arbitrary<Given> {
  return from.map((value) => ({ name, text: write(value), value }));
}

function bad(name: string, ...texts: string[]): fc.Arbitrary<Given> {
  return fc.constantFrom(...texts).map((text) => ({ name, text, value: undefined }));
}

function inSeconds(ms: number): string {
  const digits = String(Math.abs(ms)).padStart(4, "0");
  return `${ms < 0 ? "-" : ""}${digits.slice(0, -3)}.${digits.slice(-3)}`;
}

describe("options of a URL", () => {
  const text = fc.string({ unit: "binary", maxLength: 5 });
  const given = fc.oneof(
    good("timeout", fc.integer({ min: 500, max: 3_600_000 }), inSeconds),
    good("offset", fc.integer({ min: -10_000 }), inSeconds),
    good("db", fc.nat(15), String),
    good("step", fc.maxSafeInteger(), String),
    good("ssl", fc.boolean(), (value) => (value ? "Yes" : "f")),
    good("namespace", text, String),
    good("handler", fc.constantFrom("threading", "eventlet"), String),
    good("fallback", text, String),
    good(
      "keyfile_password",
      text.map((tail) => secret + tail),
      String,
    ),
    good("pin", fc.integer(), String),
    good("pool", fc.integer({ min: 1 }), String),
    good("executor", text, String),
  );
  const wrong = fc.oneof(
    bad("timeout", "", "0.499", "3600.001", "-1", "1e3", " 1", "1 ", "1,5", "0x10", "NaN", "1.2.3"),
    bad("db", "", "-1", "16", "1.0", "+1", "\u0661"),
    bad("step", "9007199254740992", "-9007199254740993", "1n", "1_0"),
    bad("ssl", "", "maybe", "truee", "\u{1d42d}rue"),
    bad("handler", "", "Eventlet", "threading,eventlet"),
    bad("pin", "", secret, `1${secret}`),
    bad("pool", "0"),
    bad("timout", "1", secret),
    bad("__proto__", "1", secret),
    bad("toString", "1", secret),
    bad(secret, "1"),
  );

  test("are read as what was written, else COORD_BAD_OPTION, and what is secret never shows", () => {
    const tally = new Tally();
    const some = fc.array(fc.oneof({ weight: 9, arbitrary: given }, wrong), { maxLength: 4 });
    const property = fc.property(some, (all) => {
      const query = all.map(({ name, text }) => [name, text].map(encodeURIComponent).join("="));
      const url = outcomeOf(() => read(`demo:?${query.join("&")}`));
      const kind = tally.add(url);
      if (shows(url, secret)) return false;
      const last = new Map(all.map((one) => [one.name, one.value]));
      if ([...last.values()].includes(undefined)) return kind === "COORD_BAD_OPTION";
      if (url instanceof CoordError) return false;
      const ignored = ["executor", "pool"].filter((name) => last.delete(name));
      const list = all.filter(({ name }) => name === "fallback").map(({ value }) => value);
      if (list.length > 0) last.set("fallback", list);
      const names = Object.getOwnPropertyNames(url.options);
      const options = new Map(names.map((name) => [name, Reflect.get(url.options, name)] as const));
      return isDeepStrictEqual([options, url.ignoredOptions.toSorted()], [last, ignored]);
    });
    assert(property);
    expect(tally.outcomes()).toEqual(["COORD_BAD_OPTION", "accepted"]);
  });
});

describe("options of a coordinator", () => {
  const name = fc.string({ unit: anyUnit, maxLength: 3 });
  const [short, long] = [
    fc.double({ min: 1, max: 2_000, noNaN: true }),
    fc.double({ min: 1_000, max: 1e9, noNaN: true }),
  ];
  const junk = fc.constantFrom<unknown>(null, 0, -1, NaN, Infinity, "1", {}, []);
  const or = (good: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> => {
    return fc.oneof({ weight: 20, arbitrary: good }, junk);
  };
  const url = fc.constantFrom(
    "file:",
    `demo://u:${secret}@h`,
    `demo:?keyfile_password=${secret}`,
    `demo://u:${secret}@h:x`,
    `demo ${secret}`,
  );
  const options = fc.record(
    {
      backendUrl: or(url),
      agentId: or(name),
      prefix: or(name),
      ttl: or(long),
      heartbeat: or(short),
      beatTimeout: or(short),
      initialReconnectBackoff: or(short),
      maxReconnectBackoff: or(long),
    },
    { requiredKeys: [] },
  );
  const misspelt = fc.constantFrom({}, {}, {}, {}, { backendURL: secret });

  test("make one, else COORD_BAD_OPTION or COORD_BAD_URL, and nothing shows what they are", () => {
    const tally = new Tally();
    const property = fc.property(options, misspelt, (given, more) => {
      const construct = (): unknown => Reflect.construct(Coordinator, [{ ...given, ...more }]);
      const outcome = outcomeOf(construct);
      tally.add(outcome);
      return !shows(outcome, secret);
    });
    assert(property);
    expect(tally.outcomes()).toEqual(["COORD_BAD_OPTION", "COORD_BAD_URL", "accepted"]);
  });
});
