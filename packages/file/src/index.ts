import { register, type Driver, type OptionSpec, type Traits } from "@coord/core/driver";
import { folderOf, prepareFolder, proveLocksExclude } from "./disk/folder.js";
import { FileSession } from "./session.js";

const options = {
  timeout: {
    type: "seconds",
    help: "Tooz's time after which a group's member counts as gone; locks are freed by the kernel",
    ignored: true,
  },
  executor: {
    type: "string",
    help: "how Tooz runs its calls; here nothing blocks",
    ignored: true,
  },
} as const satisfies OptionSpec;

/** What lock files promise. */
const traits: Traits = {
  reach: "host",
  liveness: "kernel",
  crashReleaseMs: 50,
  fair: false,
  shared: true,
  semaphores: false,
  groups: false,
  elections: false,
  tokenSource: "microseconds of the machine's clock, or the last token + 1 where that is greater",
  tokenSurvives: { dataLoss: true, failover: true, clockStep: true },
  wake: "watch+recheck",
  holderInfo: ["member", "host", "pid", "since", "token", "shared"],
  revocable: ["break", "removal"],
};

/** Lock files: `file:relative/folder`, `file:///absolute/folder`, or `file:` for the default folder. */
export const file: Driver<typeof options> = {
  name: "file",
  schemes: ["file"],
  options,
  async open(url, context) {
    const folder = prepareFolder(folderOf(url), context.log);
    proveLocksExclude(folder);
    return new FileSession(folder, traits, context);
  },
};

register(file);
