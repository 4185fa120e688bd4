import { randomUUID } from "node:crypto";
import { connect, type Coordinator } from "@coord/core";

/**
 * Connects to the demo's backend. Backends that learn of a death by time learn of it within three
 * seconds, unless the URL says otherwise; what the environment says of ids and times is for others.
 */
export function open(backendUrl: string): Promise<Coordinator> {
  return connect(backendUrl, { agentId: randomUUID(), ttl: 3_000, heartbeat: 1_000 });
}
