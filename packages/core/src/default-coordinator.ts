import { Coordinator } from "./coordinator.js";
import { CoordError } from "./errors.js";
import type { Lock } from "./lock.js";
import type { CoordinatorOptions } from "./settings.js";

// On the global object, so that a program and a library with a copy of this package of its own have
// one default: the library's locks would never be started otherwise.
const key = Symbol.for("@coord/core.default-coordinator.v1");
const globals: typeof globalThis & { [key]?: Coordinator } = globalThis;

/**
 * The coordinator that `lock()` and `synchronized()` use when they are given none, one for the whole
 * process. The first call makes it from the `COORD_…` environment variables and the defaults, unless
 * `configureDefaultCoordinator()` has made it. It is not started: `await defaultCoordinator().start()`
 * where the program starts, and `stop()` it where it ends.
 * @throws COORD_BAD_OPTION, COORD_BAD_URL when it is made from a wrong environment
 */
export function defaultCoordinator(): Coordinator {
  return (globals[key] ??= new Coordinator());
}

/**
 * Makes the default coordinator with options of the program's own: once, and before anything else
 * calls `defaultCoordinator()`. Nothing is connected before `start()`:
 * `await configureDefaultCoordinator({ prefix: "billing-" }).start()`.
 * @throws COORD_BAD_OPTION when there is one already; as `new Coordinator()` does
 */
export function configureDefaultCoordinator(options: CoordinatorOptions): Coordinator {
  if (globals[key]) {
    throw new CoordError(
      "COORD_BAD_OPTION",
      "The default coordinator is already in use. Call configureDefaultCoordinator() once, before anything calls defaultCoordinator().",
    );
  }
  return (globals[key] = new Coordinator(options));
}

/**
 * The lock whose name is made from a template, as `coordinator.lock()` makes it; of the default
 * coordinator if none is given.
 * @throws COORD_BAD_TEMPLATE, COORD_BAD_NAME, COORD_NOT_STARTED, COORD_STOPPED
 */
export function lock(
  template: string,
  data: Readonly<Record<string, unknown>> = {},
  coordinator: Coordinator = startedDefault(),
): Lock {
  return coordinator.lock(template, data);
}

/**
 * The default coordinator, for who needs it started; does not make it, so that it can still be
 * configured. Throws COORD_NOT_STARTED.
 */
export function startedDefault(): Coordinator {
  const coordinator = globals[key];
  if (coordinator && coordinator.state !== "idle") return coordinator;
  throw new CoordError(
    "COORD_NOT_STARTED",
    "The default coordinator is not started. Await defaultCoordinator().start() where the program starts, or give a coordinator of your own.",
  );
}
