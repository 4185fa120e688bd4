import { parseExpressionAt, type Function as FunctionNode } from "acorn";
import type { AssignmentProperty, ObjectPattern, Options, Pattern } from "acorn";
import { CoordError, messageOf } from "./errors.js";

/** Reads something from the arguments of a call. */
export type Read = (args: readonly unknown[]) => unknown;

/**
 * How to read, by name, the parameters of a function as its source has them, and what they bind by
 * destructuring; but not what comes by a computed key, nor from an iterator that is no array. Throws
 * COORD_BAD_TEMPLATE when there is no source, or none that can be understood; reading throws it where
 * a default, which is not known here, stands in for the argument, and where taking that apart fails.
 */
export function parametersOf(fn: Function, name: string): ReadonlyMap<string, Read> {
  const source = String(fn);
  if (/\{\s*\[native code\]\s*\}\s*$/.test(source)) {
    throw unreadable(name, "it is native or bound.");
  }
  const found = new Map<string, Read>();
  try {
    bindElements(found, parse(source).params, (args) => args);
  } catch (cause) {
    throw unreadable(name, `reading its source failed: ${messageOf(cause)}`, { cause });
  }
  return found;
}

/** What is read where a default stands in for the argument. */
const leftOut = Symbol("left out");

// Only the parameters matter: what the function did where it stood, it may do here.
const options: Options = {
  ecmaVersion: "latest",
  sourceType: "script",
  allowImportExportEverywhere: true,
  allowSuperOutsideMethod: true,
  checkPrivateFields: false,
};

/** A function's source is an expression or, without the class around it, a method. */
function parse(source: string): FunctionNode {
  const expression = attempt(() => parseExpressionAt(source, 0, options));
  if (expression?.type === "FunctionExpression") return expression;
  if (expression?.type === "ArrowFunctionExpression") return expression;
  const holder = parseExpressionAt(`class{${source}\n}`, 0, options);
  const [member] = holder.type === "ClassExpression" ? holder.body.body : [];
  if (member?.type === "MethodDefinition") return member.value;
  throw new Error("it is not that of a function");
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

/** Adds the names that `pattern` binds when it is given what `read` reads. */
function bind(found: Map<string, Read>, pattern: Pattern, read: Read): void {
  if (pattern.type === "Identifier") {
    found.set(pattern.name, (args) => valueOf(pattern.name, () => read(args)));
  } else if (pattern.type === "AssignmentPattern") {
    bind(found, pattern.left, (args) => {
      const value = read(args);
      return value === undefined ? leftOut : value;
    });
  } else if (pattern.type === "ArrayPattern") {
    bindElements(found, pattern.elements, read);
  } else if (pattern.type === "ObjectPattern") {
    bindProperties(found, pattern, read);
  }
}

function bindElements(
  found: Map<string, Read>,
  elements: readonly (Pattern | null)[],
  read: Read,
): void {
  elements.forEach((element, index) => {
    if (element?.type === "RestElement") {
      const rest = within(read, (list) => elementsOf(list)?.slice(index));
      bind(found, element.argument, rest);
    } else if (element) {
      const one = within(read, (list) => elementsOf(list)?.[index]);
      bind(found, element, one);
    }
  });
}

/** Not of any iterable: reading it here would leave nothing for the function. */
function elementsOf(value: object): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

function bindProperties(found: Map<string, Read>, pattern: ObjectPattern, read: Read): void {
  const keys: (string | undefined)[] = [];
  for (const property of pattern.properties) {
    if (property.type === "RestElement") {
      // What an unknown key leaves is unknown, too.
      if (keys.includes(undefined)) return;
      const isLeft = ([key]: [string, unknown]): boolean => !keys.includes(key);
      const rest = within(read, (from) => Object.fromEntries(Object.entries(from).filter(isLeft)));
      bind(found, property.argument, rest);
    } else {
      const key = keyOf(property);
      keys.push(key);
      if (key === undefined) continue;
      const one = within(read, (from) => Reflect.get(from, key));
      bind(found, property.value, one);
    }
  }
}

/** Undefined for a key that is computed when the function is called. */
function keyOf({ key, computed }: AssignmentProperty): string | undefined {
  if (key.type === "Literal") return String(key.value);
  return key.type === "Identifier" && !computed ? key.name : undefined;
}

function within(read: Read, step: (value: object) => unknown): Read {
  return (args) => {
    const value = read(args);
    return value === undefined || value === null || value === leftOut ? value : step(Object(value));
  };
}

function valueOf(name: string, read: () => unknown): unknown {
  let value: unknown;
  try {
    value = read();
  } catch (cause) {
    throw bad(
      `The template's field {${name}} has no value: taking the argument apart failed. Pass one that can be read.`,
      { cause },
    );
  }
  if (value !== leftOut) return value;
  throw bad(
    `The template's field {${name}} has no value: the argument was left out, and what it is by default is known to the function only. ` +
      "Pass it, or give a function that makes the name instead of the template.",
  );
}

function unreadable(name: string, why: string, details?: { cause: unknown }): CoordError {
  return bad(
    `The template needs the names of the parameters of "${name}", which cannot be known: ${why} ` +
      'Give them as { parameters: ["first", "second"] }.',
    details,
  );
}

function bad(message: string, details?: { cause: unknown }): CoordError {
  return new CoordError("COORD_BAD_TEMPLATE", message, details);
}
