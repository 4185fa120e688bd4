import { types } from "node:util";
import { badOption, refuseUnknown } from "./call-options.js";
import { byTemplate, type Naming } from "./call-name.js";
import type { Coordinator } from "./coordinator.js";
import { startedDefault } from "./default-coordinator.js";
import type { CoordError } from "./errors.js";
import type { AcquireOptions } from "./lock.js";

/** How `synchronized()` gets its locks. */
export interface SynchronizedOptions extends AcquireOptions {
  /** Whose locks. @default `defaultCoordinator()`, which must be started when the function is called */
  coordinator?: Coordinator | undefined;
  /**
   * The names of the function's parameters, in order, for a template. Needed where its source does
   * not tell them: native and bound functions, and code in which a build tool has renamed them. A
   * minifier does; esbuild, and with it tsx and vitest, does when one hides a name of the scope around.
   * @default read from the function's source by the first call, whose arguments are read after that
   */
  parameters?: readonly string[] | undefined;
}

/**
 * What `synchronized()` gives: it decorates a method, or a field that is set to a function, or wraps
 * a function. What comes out does as `lock.run()` does around the function, always gives a promise,
 * and has the function's `name`, `length` and source.
 */
export interface Synchronize<NeededThis, Needed extends readonly unknown[]> {
  /** As a decorator of methods. */
  <This extends NeededThis, Args extends readonly [...Needed, ...unknown[]], Result>(
    method: (this: This, ...args: Args) => Promise<Result>,
    context: ClassMethodDecoratorContext<This, (this: This, ...args: Args) => Promise<Result>>,
  ): (this: This, ...args: Args) => Promise<Result>;
  /** As a decorator of fields: `@synchronized("x") pay = async () => {…}`. */
  <This extends NeededThis, Args extends readonly [...Needed, ...unknown[]], Result>(
    field: undefined,
    context: ClassFieldDecoratorContext<This, (...args: Args) => Promise<Result>>,
  ): (value: (...args: Args) => Promise<Result>) => (...args: Args) => Promise<Result>;
  /** As a legacy decorator of methods, under TypeScript's `experimentalDecorators`. */
  <Args extends readonly [...Needed, ...unknown[]], Result>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<(...args: Args) => Promise<Result>>,
  ): TypedPropertyDescriptor<(...args: Args) => Promise<Result>>;
  /** As a wrapper: `const pay = synchronized("invoice-{invoice.id}")(async (invoice) => {…})`. */
  <This extends NeededThis, Args extends readonly [...Needed, ...unknown[]], Result>(
    fn: (this: This, ...args: Args) => Result,
  ): (this: This, ...args: Args) => Promise<Awaited<Result>>;
}

/**
 * Makes a function run only while it holds the lock whose name is made, for each call, from a
 * template or by a function.
 *
 * The fields of a template are the function's parameters, what they are destructured into, `this`
 * and `f_name`, the name of the function: `"{f_name}-{share.id}-{snapshot[name]}"`. The value of a
 * parameter's default is not known to it: pass the argument, or use a function. A function that
 * makes the name is called with the same `this` and arguments.
 *
 * A call rejects as `lock.acquire()` does (COORD_BUSY after `timeout`), as `lock.run()` does
 * (COORD_LOST, COORD_DEADLOCK), and with COORD_BAD_TEMPLATE, COORD_BAD_NAME or COORD_NOT_STARTED.
 * @throws COORD_BAD_TEMPLATE for a template that cannot be right; COORD_BAD_OPTION for an unknown
 * option and, where it decorates, for what is no method or function and for a generator, which goes
 * on after its call has ended
 */
export function synchronized(
  template: string,
  options?: SynchronizedOptions,
): Synchronize<unknown, []>;
export function synchronized<This, Args extends readonly unknown[]>(
  name: (this: This, ...args: Args) => string,
  options?: SynchronizedOptions,
): Synchronize<This, Args>;
export function synchronized(
  name: string | ((this: unknown, ...args: unknown[]) => string),
  options: SynchronizedOptions = {},
): unknown {
  checkOptions(options);
  const { coordinator, parameters, ...how } = options;
  const naming: Naming =
    typeof name === "function"
      ? () => async (self, args) => Reflect.apply(name, self, args)
      : byTemplate(name, parameters);

  const wrap = (given: unknown, fName?: string): AnyFunction => {
    const fn = checkFunction(given);
    const nameOf = naming(fn, fName ?? fn.name);
    const wrapped = async function (this: unknown, ...args: unknown[]): Promise<unknown> {
      const lockName = await nameOf(this, args);
      const lock = (coordinator ?? startedDefault()).getLock(lockName);
      return lock.run(() => fn.apply(this, args), how);
    };
    return Object.defineProperties(wrapped, {
      name: { value: fn.name, configurable: true },
      length: { value: fn.length, configurable: true },
      // So that a second template around it finds the parameters, too.
      toString: { value: () => String(fn), configurable: true, writable: true },
    });
  };

  return (target: unknown, key?: unknown, descriptor?: unknown): unknown => {
    if (isContext(key)) {
      const fName = typeof key.name === "string" ? key.name : undefined;
      if (key.kind === "method") return wrap(target, fName);
      if (key.kind === "field") return (value: unknown) => wrap(value, fName);
      throw noFunction(`a ${key.kind}`);
    }
    if (typeof key !== "string" && typeof key !== "symbol") return wrap(target);
    if (!isDescriptor(descriptor)) throw noFunction("a field or a parameter");
    const fName = typeof key === "string" ? key : undefined;
    return { ...descriptor, value: wrap(descriptor.value, fName) };
  };
}

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

const known = ["timeout", "shared", "signal", "coordinator", "parameters"];

function checkOptions(options: SynchronizedOptions): void {
  refuseUnknown(options, known);
  const { parameters } = options;
  if (parameters === undefined) return;
  if (Array.isArray(parameters) && parameters.every((name) => typeof name === "string")) return;
  throw badOption(
    '"parameters" must be an array of strings.',
    "Give the names in order, or leave it out.",
  );
}

function checkFunction(fn: unknown): AnyFunction {
  if (!isFunction(fn)) throw noFunction(fn === null ? "null" : `a value of type ${typeof fn}`);
  if (types.isGeneratorFunction(fn)) {
    throw noFunction("a generator, which goes on after its call has ended");
  }
  if (/^class\b/.test(Function.prototype.toString.call(fn))) throw noFunction("a class");
  return fn;
}

function isFunction(value: unknown): value is AnyFunction {
  return typeof value === "function";
}

function isContext(value: unknown): value is DecoratorContext {
  return typeof value === "object" && value !== null && "kind" in value;
}

function isDescriptor(value: unknown): value is PropertyDescriptor {
  return typeof value === "object" && value !== null;
}

function noFunction(what: string): CoordError {
  return badOption(
    `synchronized() was given ${what}.`,
    "Use it as the decorator of a method or as the wrapper of a function, and take the lock within a generator.",
  );
}
