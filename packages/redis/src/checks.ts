import { CoordError } from "@coord/core/driver";

/** What a server says of itself. */
export interface ServerInfo {
  /** Another one after each start. */
  readonly run: string;
  /** Milliseconds since it started, to the second. */
  readonly uptime: number;
}

const oldest = [5, 0] as const;
const tested = [6, 2] as const;

/**
 * Reads the answer to INFO, and warns of what may take locks away.
 * @throws COORD_UNAVAILABLE for a server that is too old
 */
export function readInfo(text: string, warn: (message: string) => void): ServerInfo {
  const fields = new Map(
    text.split(/\r?\n/).map((line): [string, string] => {
      const [name = "", ...value] = line.split(":");
      return [name, value.join(":")];
    }),
  );
  const version = fields.get("redis_version") ?? "";
  if (isBelow(version, oldest)) {
    throw new CoordError(
      "COORD_UNAVAILABLE",
      `Redis ${version} is too old: its scripts cannot read the time and then write. Use 6.2 or later.`,
    );
  }
  if (isBelow(version, tested)) {
    warn(`Redis ${version} is older than what this driver is tested with. Use 6.2 or later.`);
  }
  if (fields.get("role") === "slave") {
    warn("This Redis is a replica: it grants no locks. Name the master, or the Sentinels.");
  }
  const policy = fields.get("maxmemory_policy") ?? "noeviction";
  if (fields.get("maxmemory") !== "0" && policy !== "noeviction") {
    warn(
      `This Redis may evict locks when its memory is full (maxmemory-policy ${policy}). Set it to noeviction.`,
    );
  }
  return {
    run: fields.get("run_id") ?? "",
    uptime: Number(fields.get("uptime_in_seconds") ?? 0) * 1000,
  };
}

function isBelow(version: string, [major, minor]: readonly [number, number]): boolean {
  const [has = 0, hasMinor = 0] = version.split(".").map(Number);
  return has < major || (has === major && hasMinor < minor);
}
