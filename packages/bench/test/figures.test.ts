import { describe, expect, test } from "vitest";
import { type Figure, jsonOf, ratioOf, type Reading } from "../src/figure.js";
import { plot } from "../src/plot.js";
import { remarksOf } from "../src/rows.js";
import { jain, median, quantile } from "../src/statistics.js";
import { aligned } from "../src/table.js";

test("a quantile lies between the two values next to its place", () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(quantile([10, 20, 30], 0)).toBe(10);
  expect(quantile([10, 20, 30], 1)).toBe(30);
  expect(quantile([0, 100], 0.99)).toBeCloseTo(99);
  expect(() => median([])).toThrow("no values");
});

test("Jain's index is 1 for equal shares and 1/n where one has all", () => {
  expect(jain([7, 7, 7, 7])).toBe(1);
  expect(jain([9, 0, 0, 0])).toBe(0.25);
  expect(jain([1, 2, 3])).toBeCloseTo(36 / 42);
});

test("a ratio needs both values, and a floor that is not 0", () => {
  expect(ratioOf({ value: 3 }, { value: 4 })).toBe(0.75);
  expect(ratioOf({ value: 3 }, { value: 0 })).toBeNull();
  expect(ratioOf({ value: 3 }, { none: "why" })).toBeNull();
  expect(ratioOf({ none: "why" }, { value: 4 })).toBeNull();
});

const figure = (subject: string, scenario: string, metric: string, reading: Reading): Figure => ({
  backend: "b",
  scenario,
  subject,
  metric,
  reading,
  ratio: null,
});

test("a value that there is not is null in JSON", () => {
  expect(jsonOf(figure("coord", "crash", "ttl_ms", { none: "why" }))).toBe(
    '{"backend":"b","scenario":"crash","subject":"coord","metric":"ttl_ms","value":null,"ratio":null}',
  );
});

describe("remarks", () => {
  const none = { none: "because of that" };

  test("a scenario that does not apply at all is said once", () => {
    const crash = ["crash_ms", "ttl_ms"].flatMap((metric) =>
      ["coord", "floor"].map((subject) => figure(subject, "crash", metric, none)),
    );
    expect(remarksOf(crash)).toEqual(["crash: does not apply, because of that"]);
  });

  test("otherwise it is said of what and of whom", () => {
    const figures = [
      figure("coord", "held", "held_locks", { value: 5, remark: "no more than these: full" }),
      figure("floor", "held", "held_locks", { value: 9 }),
      figure("coord", "crash", "crash_ms", { value: 1 }),
      figure("coord", "crash", "ttl_ms", none),
    ];
    expect(remarksOf(figures)).toEqual([
      "held, held_locks of coord: no more than these: full",
      "crash, ttl_ms: does not apply, because of that",
    ]);
  });
});

test("a table is as wide as it must be", () => {
  expect(aligned(["A", "B", "C"], [["long text", "b", "1,000"]])).toBe(
    [
      "| A         | B   |     C |",
      "| --------- | --- | ----: |",
      "| long text | b   | 1,000 |",
    ].join("\n"),
  );
});

test("a plot has a place for each value, by its logarithm, and no markup of others' making", () => {
  const marks = [
    { subject: "coord", values: [1], label: "1" },
    { subject: "a<b&c", values: [10, 100], label: "10 to 100" },
  ];
  const svg = plot("T", "about", [{ title: "P", unit: "u", marks }]);
  const places = [...svg.matchAll(/<circle class="([^"]*)" cx="([\d.]+)"/g)];
  const [one, ten, hundred] = places.map((match) => Number(match[2]));
  expect(places.map((match) => match[1])).toEqual(["coord", "other", "other end"]);
  expect((hundred ?? 0) - (ten ?? 0)).toBeCloseTo((ten ?? 0) - (one ?? 0), 0);
  expect((ten ?? 0) - (one ?? 0)).toBeGreaterThan(0);
  expect(svg).toContain("a&lt;b&amp;c");
  expect(svg).not.toContain("a<b");
});
