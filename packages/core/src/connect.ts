import { Coordinator } from "./coordinator.js";
import type { CoordinatorOptions } from "./settings.js";

/**
 * Makes a coordinator and starts it: `await using coordinator = await connect("file:")`.
 *
 * Rejects as `new Coordinator()` throws and as `start()` rejects.
 */
export async function connect(
  backendUrl?: string,
  options: Omit<CoordinatorOptions, "backendUrl"> = {},
): Promise<Coordinator> {
  const coordinator = new Coordinator({ ...options, backendUrl });
  await coordinator.start();
  return coordinator;
}
