import type { Driver } from "./contract.js";
import { CoordError } from "./errors.js";
import type { OptionSpec, OptionValues, UrlOption } from "./option-spec.js";

/** What a URL's query says, read by a driver's spec. */
export interface UrlOptions<Spec extends OptionSpec> {
  /** What the driver gets; secret ones are not enumerable, so that no dump of it shows them. */
  readonly values: OptionValues<Spec>;
  /** The names given that do nothing here, each once; they are not among the values. */
  readonly ignored: readonly string[];
  /** The query as it may be shown: values that are, or may be, secret are `***`. */
  readonly shown: string;
}

/**
 * Reads a URL's query, without its `?`, as `application/x-www-form-urlencoded`; its percent-encoding
 * must be sound. Throws COORD_BAD_OPTION for an option the driver does not have, and for a value it
 * cannot have; ignored options are checked as the others are.
 */
export function readUrlOptions<Spec extends OptionSpec>(
  query: string,
  driver: Pick<Driver<Spec>, "name" | "options">,
): UrlOptions<Spec> {
  const given = new URLSearchParams(query);
  // The compiler cannot follow that each name below is one of the spec's, read as the spec says.
  const values = {} as OptionValues<Spec>;
  const ignored: string[] = [];
  for (const name of new Set(given.keys())) {
    const option = optionNamed(name, driver);
    const value = readValue(name, option, given.getAll(name));
    if (option.ignored) ignored.push(name);
    else Object.defineProperty(values, name, { value, enumerable: !option.secret });
  }
  return { values: Object.freeze(values), ignored, shown: show(given, driver.options) };
}

function optionNamed(name: string, driver: Pick<Driver, "name" | "options">): UrlOption {
  const option = Object.hasOwn(driver.options, name) ? driver.options[name] : undefined;
  if (option) return option;
  // Anything but a plain word may be a piece of a password that was not percent-encoded.
  const which = /^[a-z_-]{1,40}$/i.test(name) ? `"${name}"` : "of the name given";
  const valid = Object.keys(driver.options).toSorted().join(", ");
  throw new CoordError(
    "COORD_BAD_OPTION",
    `A backendUrl for ${driver.name} has no option ${which}: ` +
      (valid ? `use one of ${valid}.` : "it takes none, so remove it."),
  );
}

type Value = string | number | boolean;

function readValue(name: string, option: UrlOption, given: string[]): Value | readonly string[] {
  if (option.type === "list") return Object.freeze(given);
  const kind = kinds[option.type];
  const text = given.at(-1) ?? "";
  const value = kind.read(text, option);
  if (value !== undefined) return value;
  throw new CoordError(
    "COORD_BAD_OPTION",
    `The backendUrl's option "${name}" cannot be ${showGiven(text, option)}: ` +
      `write ${kind.valid(option)}.`,
  );
}

interface Kind {
  /** Undefined if the text is not valid. */
  read(text: string, option: UrlOption): Value | undefined;
  /** For people: what is valid. */
  valid(option: UrlOption): string;
}

const kinds: Record<Exclude<UrlOption["type"], "list">, Kind> = {
  string: {
    read: (text, { values }) => (!values || values.includes(text) ? text : undefined),
    valid: ({ values = [] }) => `one of ${values.join(", ")}`,
  },
  seconds: {
    read: (text, { min = 0, max }) => {
      if (!/^-?(\d+\.?\d*|\.\d+)$/.test(text) || !isWithin(Number(text), min, max))
        return undefined;
      // Not by multiplying: 1.001 * 1000 is 1000.9999999999999.
      return Number(`${text}e3`);
    },
    valid: ({ min = 0, max }) => `a number of seconds, such as 2.5, ${range(min, max)}`,
  },
  integer: {
    read: (text, { min, max }) => {
      return /^-?\d+$/.test(text) && isWithin(Number(text), min, max) ? Number(text) : undefined;
    },
    valid: ({ min, max }) => `a whole number ${range(min, max)}`,
  },
  boolean: {
    read: (text) => booleanWords.get(text.toLowerCase()),
    valid: () => "true or false",
  },
};

const booleanWords = new Map([
  ...["true", "yes", "on", "1", "t", "y"].map((word) => [word, true] as const),
  ...["false", "no", "off", "0", "f", "n"].map((word) => [word, false] as const),
]);

const least = Number.MIN_SAFE_INTEGER;
const greatest = Number.MAX_SAFE_INTEGER;

function isWithin(value: number, min = least, max = greatest): boolean {
  return value >= min && value <= max;
}

function range(min = least, max = greatest): string {
  return `from ${min} to ${max}`;
}

function showGiven(text: string, { secret }: UrlOption): string {
  if (secret) return "what was given, which is secret";
  if (text === "") return "empty";
  // Where a separator was mistyped, the next option, maybe a secret one, is part of this value.
  return /^[\w .+-]{1,20}$/.test(text) ? `"${text}"` : "what was given";
}

function show(given: URLSearchParams, spec: OptionSpec): string {
  const shown = [...given].map(([name, value]): [string, string] => {
    // For the same reason as above; and a URL in an option has its own secrets.
    return [name, spec[name]?.secret || /[=@]/.test(value) ? "***" : value];
  });
  return new URLSearchParams(shown).toString();
}
