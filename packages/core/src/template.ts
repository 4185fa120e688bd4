import { CoordError } from "./errors.js";

/**
 * A parsed template: gives the name that the data makes of it. Throws COORD_BAD_TEMPLATE, whose
 * message contains none of the data, where a field's value is missing, cannot be read, or is anything
 * but a string, a finite number, a bigint or a boolean.
 */
export type Template = (data: Readonly<Record<string, unknown>>) => string;

/**
 * Parses a template by the grammar of Python's `str.format`: `{a}`, `{a.b}`, `{a[key]}` and mixes of
 * them are fields, `{{` and `}}` are braces. A key is the text up to `]`, without quotes; it indexes
 * arrays, and is looked up in a `Map`. Throws COORD_BAD_TEMPLATE for what is not in that grammar, and
 * for positions, conversions and format specifications.
 */
export function parseTemplate(template: string): Template {
  if (typeof template !== "string") {
    throw badTemplate("The template is not a string: give one such as invoice-{invoice.id}.");
  }
  const pieces: (string | Field)[] = [];
  let at = 0;
  while (at < template.length) {
    const [literal = ""] = match(/[^{}]+|\{\{|\}\}/y, template, at) ?? [];
    const piece = literal === "" ? parseField(template, at) : literal;
    pieces.push(piece === "{{" || piece === "}}" ? piece.slice(1) : piece);
    at += typeof piece === "string" ? piece.length : piece.text.length;
  }
  return (data) => {
    return pieces
      .map((piece) => (typeof piece === "string" ? piece : render(piece, data)))
      .join("");
  };
}

/** The same as `parseTemplate(template)(data)`, for a template that is used once. */
export function renderTemplate(template: string, data: Readonly<Record<string, unknown>>): string {
  return parseTemplate(template)(data);
}

/** `{name.key[key]}` */
interface Field {
  /** As written, with the braces. */
  readonly text: string;
  /** How to get from the data to the value; the first is the name. */
  readonly steps: readonly Step[];
}

interface Step {
  /** As written: `name`, `.key` or `[key]`. */
  readonly text: string;
  readonly key: string;
}

function parseField(template: string, at: number): Field {
  const [inner = "", name = "", path = ""] =
    match(/\{([^.[\]{}!:]*)((?:\.[^.[\]{}!:]*|\[[^\]]*\])*)/y, template, at) ?? [];
  const end = at + inner.length;
  if (inner === "" || template[end] !== "}") throw badSyntax(unexpected(template[end]), end);
  if (/^\d*$/.test(name)) throw badSyntax("a field without a name: write {name}", at);
  const steps = [...path.matchAll(/\.([^.[]*)|\[([^\]]*)\]/g)].map(([text, attribute, key]) => ({
    text,
    key: attribute ?? key ?? "",
  }));
  if (steps.some(({ key }) => key === "")) {
    throw badSyntax("a field with an empty part: write {a.b} or {a[key]}", at);
  }
  return { text: `${inner}}`, steps: [{ text: name, key: name }, ...steps] };
}

/** What is wrong where a field's text does not go on as fields do. */
function unexpected(character: string | undefined): string {
  switch (character) {
    case undefined:
      return "the end, within a field: close it with }, or write {{ for a brace";
    case "}":
      return "a } that closes nothing: write }} for a brace";
    case "{":
      return "a { within a field: close the field with }, or write {{ for a brace";
    case "!":
    case ":":
      return `a ${character} within a field: write the field without it, and format its value before`;
    case "[":
      return "a [ that is not closed: write {a[key]}";
    default:
      return "a ] within a name, or text after a key's ]: write {a.b} or {a[key]}";
  }
}

function render(field: Field, data: Readonly<Record<string, unknown>>): string {
  let value: unknown = data;
  let path = "";
  for (const step of field.steps) {
    if (value === undefined || value === null) break;
    value = read(value, step, field, path);
    path += step.text;
  }
  if (typeof value === "string" || typeof value === "bigint" || typeof value === "boolean") {
    return String(value);
  }
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  throw badField(field, `${path} is ${nameOfKind(value)}`);
}

function read(from: {}, step: Step, field: Field, path: string): unknown {
  try {
    // What every object inherits is not in the data: {constructor.name} is a missing field.
    if (path === "" && step.key in Object.prototype && !Object.hasOwn(from, step.key)) {
      return undefined;
    }
    if (from instanceof Map && step.text.startsWith("[")) return from.get(step.key);
    return Reflect.get(Object(from), step.key);
  } catch (cause) {
    throw badField(field, `reading ${path}${step.text} failed`, { cause });
  }
}

function nameOfKind(value: unknown): string {
  if (value === undefined || value === null) return `${value}`;
  if (typeof value === "number") return "not a finite number";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function badSyntax(problem: string, at: number): CoordError {
  return badTemplate(`The template has, at character ${at + 1}, ${problem}.`);
}

function badField({ text }: Field, problem: string, details?: { cause: unknown }): CoordError {
  return badTemplate(
    `The template's field ${text} has no value for a name: ${problem}. ` +
      "Give it a string, a finite number, a bigint or a boolean, or use another field.",
    details,
  );
}

function badTemplate(message: string, details?: { cause: unknown }): CoordError {
  return new CoordError("COORD_BAD_TEMPLATE", message, details);
}
