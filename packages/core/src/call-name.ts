import { CoordError } from "./errors.js";
import type { Read } from "./parameter-names.js";
import { parseTemplate } from "./template.js";

/** Gives the name of the lock for a call with this `this` and these arguments. */
type NameOfCall = (self: unknown, args: readonly unknown[]) => Promise<string>;

/** Gives the names for the calls of a function that is called `fName`. */
export type Naming = (fn: Function, fName: string) => NameOfCall;

/**
 * Names calls by a template, whose fields are the parameters of the function, `f_name` and `this`.
 * The names of the parameters are `names`, or are found in the function's source by the first call.
 * Throws COORD_BAD_TEMPLATE for all that can be known of the template now; calls reject with it.
 */
export function byTemplate(template: string, names: readonly string[] | undefined): Naming {
  const render = parseTemplate(template);
  const fields = namesOfFields(template);
  const usesFName = fields.delete("f_name");
  fields.delete("this");
  const given = names || fields.size === 0 ? choose(fields, inOrder(names ?? [])) : undefined;

  return (fn, fName) => {
    if (usesFName && fName === "") {
      throw bad("The template has a field {f_name}, but the function has no name. Give it one.");
    }
    let parameters = given;
    let finding: Promise<Parameters> | undefined;
    const find = async (): Promise<Parameters> => {
      try {
        // Loaded late: it brings a parser of JavaScript with it.
        const { parametersOf } = await import("./parameter-names.js");
        return (parameters = choose(fields, parametersOf(fn, fName)));
      } finally {
        finding = undefined;
      }
    };
    return async (self, args) => {
      const data: Record<string, unknown> = Object.create(null);
      const found = parameters ?? (await (finding ??= find()));
      for (const [name, read] of found) data[name] = read(args);
      return render(Object.assign(data, { f_name: fName, this: self }));
    };
  };
}

type Parameters = ReadonlyMap<string, Read>;

function inOrder(names: readonly string[]): Parameters {
  return new Map(names.map((name, index) => [name, (args) => args[index]]));
}

/** The first names of all fields of a template that was parsed: where its braces are is known to be right. */
function namesOfFields(template: string): Set<string> {
  const fields = template.matchAll(/\{\{|\{([^.[}]+)(?:\[[^\]]*\]|[^[}])*\}/g);
  return new Set([...fields].flatMap(([, name]) => name ?? []));
}

/** Those of the parameters that are among the fields. Throws COORD_BAD_TEMPLATE for other fields. */
function choose(fields: ReadonlySet<string>, parameters: Parameters): Parameters {
  const chosen = [...fields].map((name) => {
    const read = parameters.get(name);
    if (read) return [name, read] as const;
    const others = [...parameters.keys(), "f_name", "this"].join(", ");
    throw bad(
      `The template's field {${name}} is none of the function's parameters. Use one of ${others}; or, if a build tool has renamed them, give their names as { parameters }.`,
    );
  });
  return new Map(chosen);
}

function bad(message: string): CoordError {
  return new CoordError("COORD_BAD_TEMPLATE", message);
}
