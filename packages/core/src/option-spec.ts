/** One option that a `backendUrl` may have. */
export interface UrlOption {
  /**
   * What its value looks like: `seconds` (fractions allowed; drivers get milliseconds), `integer`,
   * `boolean` (Python's words: true/false, yes/no, on/off, 1/0, t/f, y/n), `string`, or `list`, an
   * option that may be repeated. Of any other the last one given counts.
   */
  readonly type: "string" | "seconds" | "integer" | "boolean" | "list";
  /** For people, in one line: what it does. */
  readonly help: string;
  /** The least and greatest value, in the unit of the URL; for `seconds` and `integer`. */
  readonly min?: number;
  readonly max?: number;
  /** The words it may be; for `string`. */
  readonly values?: readonly string[];
  /** Its value is never shown. */
  readonly secret?: boolean;
  /** It is accepted because the same URL serves programs in other languages, and does nothing here. */
  readonly ignored?: true;
}

/** The options of a driver's URLs, by name. */
export type OptionSpec = Readonly<Record<string, UrlOption>>;

interface TypesOfValues {
  string: string;
  seconds: number;
  integer: number;
  boolean: boolean;
  list: readonly string[];
}

/** The options a URL has, as `Spec` reads them: durations in milliseconds, absent ones undefined. */
export type OptionValues<Spec extends OptionSpec> = {
  readonly [Name in keyof Spec]?: TypesOfValues[Spec[Name]["type"]];
};
