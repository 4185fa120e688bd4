import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import type { Driver } from "../src/contract.js";
import { CoordError } from "../src/errors.js";
import { parseBackendUrl } from "../src/url.js";
import { driver, type options, read, secret, shown } from "./demo-url.js";

const bare = { name: "bare", options: {} };

function failure(action: () => unknown): CoordError {
  try {
    action();
  } catch (error) {
    if (error instanceof CoordError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("the parts of a URL", () => {
  test.each([
    ["file:", "file", false, ""],
    ["file:locks", "file", false, "locks"],
    ["file:/var/x", "file", false, "/var/x"],
    ["file:///var/x", "file", true, "/var/x"],
    ["file://", "file", true, ""],
    ["file:my%20locks/%C3%A9", "file", false, "my locks/é"],
    ["file:é", "file", false, "é"],
    ["FILE:Locks", "file", false, "Locks"],
    ["redis:///path/to.sock", "redis", true, "/path/to.sock"],
    ["redis+sentinel:x", "redis+sentinel", false, "x"],
    ["a1.b-c+d:x", "a1.b-c+d", false, "x"],
    ["file:a@b", "file", false, "a@b"],
    ["file:a?timeout=1", "file", false, "a"],
    ["file:%23%3F%40", "file", false, "#?@"],
  ])("%s has scheme %s, authority %s, path %j, and no host", (text, scheme, authority, path) => {
    const url = read(text);
    expect([url.scheme, url.hasAuthority, url.path]).toEqual([scheme, authority, path]);
    expect([url.hosts, url.username, url.password]).toEqual([[], undefined, undefined]);
    expect(parseBackendUrl(text).scheme).toBe(scheme);
  });

  test.each([
    ["redis://h", [{ host: "h" }], ""],
    ["redis://h:6379/0", [{ host: "h", port: 6379 }], "/0"],
    ["redis://h:1", [{ host: "h", port: 1 }], ""],
    ["redis://h:65535/", [{ host: "h", port: 65_535 }], "/"],
    ["zookeeper://a,b:2,c/r", [{ host: "a" }, { host: "b", port: 2 }, { host: "c" }], "/r"],
    ["redis://[::1]", [{ host: "::1" }], ""],
    ["redis://[::1]:1,h", [{ host: "::1", port: 1 }, { host: "h" }], ""],
    ["redis://[fe80::1%25eth0]:2", [{ host: "fe80::1%eth0", port: 2 }], ""],
    ["postgres://%2Fvar%2Frun%2Fx.sock/db", [{ host: "/var/run/x.sock" }], "/db"],
    ["postgres://%2Ftmp:5433", [{ host: "/tmp", port: 5433 }], ""],
    ["redis://a%2Cb", [{ host: "a,b" }], ""],
    ["file://~/x", [{ host: "~" }], "/x"],
    ["redis://h?timeout=1", [{ host: "h" }], ""],
  ])("%s has hosts %j and path %j", (text, hosts, path) => {
    const url = read(text);
    expect(url.hosts).toStrictEqual(hosts);
    expect([url.hasAuthority, url.path]).toEqual([true, path]);
  });

  test.each([
    ["redis://u:p@h", "u", "p"],
    ["redis://u@h", "u", undefined],
    ["redis://:p@h", undefined, "p"],
    ["redis://u:@h", "u", ""],
    ["redis://@h", undefined, undefined],
    ["redis://h", undefined, undefined],
    ["redis://me@corp:p@ss:w@h", "me@corp", "p@ss:w"],
    ["redis://%40%3A%2F:%3F%23%25%00%20@h", "@:/", "?#%\0 "],
  ])("%s has user name %j and password %j", (text, username, password) => {
    const url = read(text);
    expect([url.username, url.password]).toEqual([username, password]);
    expect(url.hosts).toEqual([{ host: "h" }]);
  });

  test("a user name and a password may stand without a host", () => {
    const url = read("postgresql://u:p@/db");
    expect([url.hosts, url.username, url.password, url.path]).toEqual([[], "u", "p", "/db"]);
  });
});

const malformed: readonly (readonly [string, string, string])[] = [
  ["the empty string", "", "write one such as"],
  ["no scheme", secret, "write one first"],
  ["no scheme but a path", `/var/${secret}`, "write one first"],
  ["no scheme but an address", `127.0.0.1:${secret}`, "write one first"],
  ["an empty scheme", `://${secret}@h`, "write one first"],
  ["a scheme with an underscore", `my_redis://u:${secret}@h`, "write one first"],
  ["a path of Windows", `C:\\${secret}`, "write file:///C:/x"],
  ["a path of Windows with a space", `c:\\Program Files\\${secret}`, "write file:///C:/x"],
  ["a space", `redis://u:${secret} @h`, "write a space as %20"],
  ["a space before it", ` redis://u:${secret}@h`, "write a space as %20"],
  ["a line's end", `redis://u:${secret}@h\n`, "write a space as %20"],
  ["a NUL", `redis://u:${secret}\0@h`, "write a space as %20"],
  ["a no-break space", `redis://u:${secret}\u00A0@h`, "write a space as %20"],
  ["a DEL", `redis://u:${secret}\u007F@h`, "write a space as %20"],
  ["a lone high surrogate", `redis://u:${secret}\uD800@h`, "write characters whole"],
  ["a lone low surrogate", `redis://u:${secret}@h/\uDC00`, "write characters whole"],
  ["a fragment", `redis://u:${secret}@h#f`, "write # as %23"],
  ["a raw # in a password", `redis://u:#${secret}@h`, "write # as %23"],
  ["a % in a password", `redis://u:${secret}%@h`, "write % as %25"],
  ["a % in a user name", `redis://%zz:${secret}@h`, "write % as %25"],
  ["a % in a host", `redis://u:${secret}@h%2`, "write % as %25"],
  ["a % in a path", `redis://u:${secret}@h/%G0`, "write % as %25"],
  ["a % in an option", `redis://u:${secret}@h?namespace=50%`, "write % as %25"],
  ["a % in an option's name", `redis://u:${secret}@h?name%=x`, "write % as %25"],
  ["bytes that are no character", `redis://u:${secret}%FF@h`, "write % as %25"],
  ["an encoded surrogate", `redis://u:${secret}@h?namespace=%ED%A0%80`, "write % as %25"],
  ["a raw / in a password", `redis://u:12/${secret}@h`, "write / as %2F"],
  ["a raw ? in a password", `redis://u:12?${secret}@h`, "write / as %2F"],
  ["a raw @ in an option", `redis://h?namespace=${secret}@x`, "@ as %40"],
  ["a second ?", `redis://h?namespace=x?keyfile_password=${secret}`, "put & between options"],
  ["a password without a host", `redis://u:${secret}`, "write a number from 1 to 65535"],
  ["port 0", `redis://u:${secret}@h:0`, "write a number from 1 to 65535"],
  ["port 65536", `redis://u:${secret}@h:65536`, "write a number from 1 to 65535"],
  ["an empty port", `redis://u:${secret}@h:`, "write a number from 1 to 65535"],
  ["a port with a sign", `redis://u:${secret}@h:+1`, "write a number from 1 to 65535"],
  ["a port with a fraction", `redis://u:${secret}@h:1.5`, "write a number from 1 to 65535"],
  ["a hexadecimal port", `redis://u:${secret}@h:0x1`, "write a number from 1 to 65535"],
  ["an encoded port", `redis://u:${secret}@h:%31`, "write a number from 1 to 65535"],
  ["a bad port of the second host", `redis://u:${secret}@h,i:x`, "write a number from 1 to 65535"],
  ["an empty host in a list", `redis://u:${secret}@a,,b`, "write one , between two hosts"],
  ["a comma at the end", `redis://u:${secret}@a,`, "write one , between two hosts"],
  ["a comma at the start", `redis://u:${secret}@,a`, "write one , between two hosts"],
  ["a port without a host", `redis://u:${secret}@:1`, "write localhost before it"],
  ["a bare IPv6 address", `redis://u:${secret}@::1`, "write an IPv6 address as [::1]"],
  ["an open bracket", `redis://u:${secret}@[::1`, "write an IPv6 address as [::1]"],
  ["text after a bracket", `redis://u:${secret}@[::1]x`, "write an IPv6 address as [::1]"],
  ["empty brackets", `redis://u:${secret}@[]`, "write other hosts without the brackets"],
  ["a name in brackets", `redis://u:${secret}@[h]`, "write other hosts without the brackets"],
  ["an IPv4 address in brackets", `redis://u:${secret}@[1.2.3.4]`, "write other hosts without"],
  ["an encoded NUL in a host", `redis://u:${secret}@h%00`, "remove it"],
  ["an encoded NUL in a path", `redis://u:${secret}@h/%00`, "remove it"],
  ["an encoded NUL in a path alone", `file:${secret}%00`, "remove it"],
];

describe("a URL that cannot be understood", () => {
  test.each(malformed)("with %s says what to write and nothing of the text", (_, text, advice) => {
    const error = failure(() => parseBackendUrl(text));
    expect(error.code).toBe("COORD_BAD_URL");
    expect(error.message).toContain(advice);
    expect(shown(error) + error.stack).not.toContain(secret);
  });

  test.each([undefined, null, 5, {}, ["file:x"], new URL(`redis://u:${secret}@h`)])(
    "is one that is no string: %s",
    (value) => {
      const error = failure(() => Reflect.apply(parseBackendUrl, undefined, [value]));
      expect(error.code).toBe("COORD_BAD_URL");
      expect(error.message).toContain("give a string");
      expect(shown(error)).not.toContain(secret);
    },
  );
});

describe("options", () => {
  test.each<[string, Record<string, unknown>]>([
    ["", {}],
    ["?", {}],
    ["?&&", {}],
    ["?timeout=2.5", { timeout: 2_500 }],
    ["?timeout=1.001", { timeout: 1_001 }],
    ["?timeout=.5", { timeout: 500 }],
    ["?timeout=3600", { timeout: 3_600_000 }],
    ["?timeout=5.", { timeout: 5_000 }],
    ["?offset=-2.5", { offset: -2_500 }],
    ["?delay=0", { delay: 0 }],
    ["?db=15", { db: 15 }],
    ["?step=-3", { step: -3 }],
    ["?namespace=", { namespace: "" }],
    ["?namespace", { namespace: "" }],
    ["?namespace=a+b%2Bc%26d", { namespace: "a b+c&d" }],
    ["?name%73pace=%C3%A9", { namespace: "é" }],
    ["?handler=eventlet", { handler: "eventlet" }],
    ["?fallback=a:1&timeout=1&fallback=b", { fallback: ["a:1", "b"], timeout: 1_000 }],
    ["?fallback=a", { fallback: ["a"] }],
    ["?timeout=1&timeout=2", { timeout: 2_000 }],
    ["?timeout=junk&timeout=2", { timeout: 2_000 }],
  ])("%s gives %j", (query, values) => {
    expect(read(`demo://h${query}`).options).toEqual(values);
  });

  test.each([
    [true, ["true", "yes", "on", "1", "t", "y", "TRUE", "Yes"]],
    [false, ["false", "no", "off", "0", "f", "n", "FALSE", "oFF"]],
  ])("%s may be written %j", (value, words) => {
    expect(words.map((word) => read(`demo:?ssl=${word}`).options.ssl)).toEqual(
      words.map(() => value),
    );
  });

  const junk = "NaN Infinity -Infinity 1e3 0x10 1,5 --1 - . 1_0 %2B5 0.4 3600.1 -1 soon +5 5s";

  test.each(junk.split(" "))("a timeout of %s is refused, naming what is valid", (text) => {
    const error = failure(() => read(`demo:?timeout=${text}`));
    expect(error.code).toBe("COORD_BAD_OPTION");
    expect(error.message).toContain('option "timeout" cannot be');
    expect(error.message).toMatch(/write a number of seconds, such as 2.5, from 0.5 to 3600\.$/);
  });

  test.each([
    ["timeout=", "empty"],
    ["timeout=soon", '"soon"'],
    ["timeout=so%0Aon", "what was given"],
    [`timeout=5keyfile_password=${secret}`, "what was given"],
    [`timeout=5keyfile_password${secret}`, "what was given"],
    ["delay=-0.1", '"-0.1"'],
    [`delay=${"9".repeat(40)}`, "from 0 to"],
    ["offset=-11", "from -10 to"],
    ["db=16", "a whole number from 0 to 15"],
    ["db=-1", "a whole number from 0 to 15"],
    ["db=1.0", "a whole number"],
    ["db=", "a whole number"],
    ["step=9007199254740992", "a whole number"],
    ["step=-9007199254740992", "a whole number"],
    ["ssl=", "write true or false"],
    ["ssl=maybe", '"maybe": write true or false'],
    ["handler=gevent", '"gevent": write one of threading, eventlet'],
    ["handler=Threading", '"Threading": write one of threading, eventlet'],
    ["pool=0", "a whole number from 1 to"],
    [`pin=${secret}`, "which is secret: write a whole number"],
    ["timeout=1&timeout=junk", '"junk"'],
  ])("?%s is refused: %s", (query, words) => {
    const error = failure(() => read(`demo://u:${secret}@h?${query}`));
    expect(error.code).toBe("COORD_BAD_OPTION");
    expect(error.message).toContain(words);
    expect(shown(error)).not.toContain(secret);
  });

  test.each([
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "timout",
    "TIMEOUT",
    "dead-line",
  ])("%s is unknown: the message names it and those that are valid", (name) => {
    const error = failure(() => read(`demo://u:${secret}@h?${name}=${secret}`));
    expect(error.code).toBe("COORD_BAD_OPTION");
    expect(error.message).toBe(
      `A backendUrl for demo has no option "${name}": use one of db, delay, executor, ` +
        "fallback, handler, keyfile_password, namespace, offset, pin, pool, ssl, step, timeout.",
    );
  });

  test.each([secret, "", "a%20b", "x".repeat(41)])(
    "a name that is no plain word is not repeated: %s",
    (name) => {
      const error = failure(() => read(`demo:?${name}=1`));
      expect(error.code).toBe("COORD_BAD_OPTION");
      expect(error.message).toMatch(/^A backendUrl for demo has no option of the name given: use /);
    },
  );

  test("a driver without options says that it takes none", () => {
    const error = failure(() => parseBackendUrl("bare:?x=1").read(bare));
    expect(error.code).toBe("COORD_BAD_OPTION");
    expect(error.message).toBe(
      'A backendUrl for bare has no option "x": it takes none, so remove it.',
    );
  });

  test("ignored ones are reported once by name and are not among the values", () => {
    const url = read("demo:?executor=x&pool=3&db=1&executor=y");
    expect(url.ignoredOptions).toEqual(["executor", "pool"]);
    expect(url.options).toEqual({ db: 1 });
    expect(read("demo:?db=1").ignoredOptions).toEqual([]);
  });

  test("a URL is read again for another driver", () => {
    const parsed = parseBackendUrl("demo://h?ssl=yes");
    const other = { name: "other", options: { ssl: { type: "string", help: "how" } } } as const;
    expect([parsed.read(driver).options.ssl, parsed.read(other).options.ssl]).toEqual([
      true,
      "yes",
    ]);
  });

  test("a driver with options of its own is a driver to core", () => {
    const open = () => Promise.reject(new Error("not in this test"));
    const own: Driver<typeof options> = { ...driver, schemes: ["demo"], open };
    const any: Driver = own;
    expect(parseBackendUrl("demo:?db=1").read(any).options["db"]).toBe(1);
  });
});

describe("what a URL shows of itself", () => {
  test.each([
    ["demo://u:%70w@h:1,i/x%20y?db=1&namespace", "demo://u:***@h:1,i/x%20y?db=1&namespace="],
    ["demo://u:@h", "demo://u:***@h"],
    ["demo://:p@q@h", "demo://:***@h"],
    ["demo://u@h", "demo://u@h"],
    ["DEMO:locks?", "demo:locks"],
    ["demo:///a/b", "demo:///a/b"],
    [
      "demo:?keyfile_password=a&pin=1&keyfile_password=b",
      "demo:?keyfile_password=***&pin=***&keyfile_password=***",
    ],
    ["demo:?keyfile%5Fpassword=a", "demo:?keyfile_password=***"],
    ["demo:?fallback=x:1&namespace=a%2Fb", "demo:?fallback=x%3A1&namespace=a%2Fb"],
    ["demo:?namespace=coord;keyfile_password=a", "demo:?namespace=***"],
    ["demo:u:p@h", "demo:***@h"],
    ["demo:///u:p/q@h/0", "demo:///***@h/0"],
    ["file:///C:/a@b", "file:///C:/a@b"],
  ])("%s is shown as %s", (text, expected) => {
    const url = read(text);
    expect([String(url), url.toJSON(), inspect(url)]).toEqual([expected, expected, expected]);
    expect(JSON.stringify({ url })).toBe(JSON.stringify({ url: expected }));
  });

  test("keeps its password and secret options to itself, yet gives them to who asks", () => {
    const parsed = parseBackendUrl(`demo://u:${secret}@h?keyfile_password=${secret}&db=1`);
    const url = parsed.read(driver);
    expect([url.password, url.options.keyfile_password]).toEqual([secret, secret]);
    expect([shown(parsed), shown(url)].join("\n")).not.toContain(secret);
    expect(JSON.stringify(url.options) + inspect(url.options)).not.toContain(secret);
    expect({ ...url.options }).toEqual({ db: 1 });
  });
});
