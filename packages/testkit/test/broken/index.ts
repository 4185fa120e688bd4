import { anybodyReleases } from "./anybody-releases.js";
import type { Breakage } from "./breakage.js";
import { grantedLate } from "./granted-late.js";
import { heardOnce } from "./heard-once.js";
import { readersFirst } from "./readers-first.js";
import { revived } from "./revived.js";
import { secondHolder } from "./second-holder.js";
import { tokensReused } from "./tokens-reused.js";

/** All broken drivers, by name. */
export const breakages = {
  anybodyReleases,
  secondHolder,
  tokensReused,
  heardOnce,
  revived,
  grantedLate,
  readersFirst,
} as const satisfies Record<string, Breakage>;
