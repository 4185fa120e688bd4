import type { Scenario } from "../scenario.js";
import { alone } from "./alone.js";
import { crash } from "./crash.js";
import { held } from "./held.js";
import { many } from "./many.js";
import { turns } from "./turns.js";

/** All scenarios, in the order in which they are played and written down. */
export const scenarios: readonly Scenario[] = [alone, turns, many, held, crash];
