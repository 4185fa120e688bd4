import { chosen, type Backend, type Need } from "./backends.js";

/** What a machine has, as far as the tests' servers go. */
export interface Machine {
  readonly backends: readonly Backend[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether it is there: see `Need.find`. */
  has(find: string): boolean;
  /** What to put before a command that only root may run; undefined if there is no way. */
  asRoot(): "" | "sudo -n " | undefined;
}

/** What to do so that the chosen backends can be tested. */
export type Plan =
  | { readonly do: "nothing" }
  /** Run `command` by a shell, then plan again: it may not have helped. */
  | { readonly do: "install"; readonly command: string }
  /** Say so, and end. */
  | { readonly do: "fail"; readonly message: string };

/**
 * Decides, without doing anything.
 * @param mayInstall false after an installation: what is missing then stays missing
 */
export function plan(machine: Machine, mayInstall = true): Plan {
  let tested: readonly Backend[];
  try {
    tested = chosen(machine.backends, machine.env["COORD_TEST_ONLY"]);
  } catch (error) {
    return { do: "fail", message: error instanceof Error ? error.message : String(error) };
  }
  const missing = tested.flatMap((backend) => {
    const needs = backend.needs.filter(({ find }) => !machine.has(find));
    return needs.length > 0 ? [{ backend, needs }] : [];
  });
  if (missing.length === 0) return { do: "nothing" };

  const packages = new Set(missing.flatMap(({ needs }) => needs.map((need) => need.package)));
  const root = machine.asRoot();
  if (mayInstall && root !== undefined && machine.has("apt-get")) {
    return { do: "install", command: installation(packages, root) };
  }
  const lines = missing.map(
    ({ backend, needs }) => `The tests of ${backend.name} need ${list(needs)}, missing here.`,
  );
  return {
    do: "fail",
    message: [
      ...lines,
      "On Debian this line brings what is missing:",
      `  ${installation(packages, root === "" ? "" : "sudo ")}`,
      "Or test less, with COORD_TEST_ONLY.",
    ].join("\n"),
  };
}

function installation(packages: Iterable<string>, root: string): string {
  const names = [...packages].join(" ");
  return `${root}apt-get update && ${root}apt-get install -y --no-install-recommends ${names}`;
}

function list(needs: readonly Need[]): string {
  return needs.map(({ find }) => find).join(", ");
}
