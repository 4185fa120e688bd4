// Every test runs in its package's folder, as it would if that were a repository of its own: the
// processes it starts find by name what the package finds.
import { inject } from "vitest";

process.chdir(inject("packageFolder"));
