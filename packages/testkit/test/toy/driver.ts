/**
 * A driver from nothing: for `toy://host:port/space?ttl=<seconds>`, whose server is `server.ts`. To be
 * read beside the contract, `contract.ts` of @coord/core, and in its order:
 *
 * 1. `driver.ts`, this file: what the driver is called, the options of its URLs, what it promises.
 * 2. `session.ts`: opening a session, the beats that renew its lease, how it ends; acquiring; who holds
 *    a lock, and breaking it; closing.
 * 3. `Claim`, of core: one request, from asking to giving back, and the grant that core has of it.
 * 4. `connection.ts`: a connection, which for other drivers is in a client library.
 *
 * Timeouts, queues of those who wait in this process, the pace of beats, the end of leases, opening
 * other sessions, names, options: all that is core's, and not here.
 */
import { register, type Driver, type OptionSpec, type Traits } from "@coord/core/driver";
import { ToySession } from "./session.js";

const options = {
  ttl: {
    type: "seconds",
    min: 0.1,
    help: "how long the server keeps what is held for a client it does not hear; else the coordinator's ttl",
  },
} as const satisfies OptionSpec;

/** For tests, and for reading: `toy://host:port/space`. */
export const toy: Driver<typeof options> = {
  name: "toy",
  schemes: ["toy"],
  options,
  open: (url, context) => {
    const ttl = url.options.ttl ?? context.ttl;
    const { host = "127.0.0.1", port = 7007 } = url.hosts[0] ?? {};
    const address = { host, port, space: url.path };
    return ToySession.open(address, traitsOf(ttl), { ...context, ttl });
  },
};

/** The kit tests what these say, and that what they deny is refused. */
function traitsOf(ttl: number): Traits {
  return {
    reach: "network",
    // The server frees what is held by who did not beat for a ttl; a connection that closes means nothing.
    liveness: "lease",
    // A whole ttl after one who dies right after a beat, and then it has to be said.
    crashReleaseMs: ttl + 500,
    fair: true,
    shared: true,
    semaphores: false,
    groups: false,
    elections: false,
    tokenSource: "microseconds of the server's clock, or the last token + 1 where that is greater",
    tokenSurvives: { dataLoss: true, failover: true, clockStep: true },
    wake: "push+recheck",
    holderInfo: ["member", "host", "pid", "since", "token", "shared"],
    revocable: ["break", "removal", "dataLoss"],
  };
}

// Whoever imports this module has the driver.
register(toy);
