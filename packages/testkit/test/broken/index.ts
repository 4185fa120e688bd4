import { abortMissed } from "./abort-missed.js";
import { anybodyReleases } from "./anybody-releases.js";
import type { Breakage } from "./breakage.js";
import { closedHalf } from "./closed-half.js";
import { grantedLate } from "./granted-late.js";
import { heardOnce } from "./heard-once.js";
import { readersFirst } from "./readers-first.js";
import { reasonsGuessed } from "./reasons-guessed.js";
import { revived } from "./revived.js";
import { secondHolder } from "./second-holder.js";
import { sinceKept } from "./since-kept.js";
import { timersKept } from "./timers-kept.js";
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
  timersKept,
  abortMissed,
  closedHalf,
  reasonsGuessed,
  sinceKept,
} as const satisfies Record<string, Breakage>;
