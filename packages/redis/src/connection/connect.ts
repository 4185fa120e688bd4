import type { Clock } from "@coord/core/driver";
import { Cluster, Redis } from "ioredis";
import { wasDemoted } from "./failures.js";
import { run, type Script } from "./script.js";
import type { Target } from "./target.js";
import { Watchdog } from "./watchdog.js";

/** What is asked of a server. */
interface Commands {
  ping(): Promise<unknown>;
  info(): Promise<string>;
  /** `isWanted`: whether to ask again where the server did not know the script. */
  run(
    script: Script,
    keys: readonly string[],
    args: readonly string[],
    isWanted?: () => boolean,
  ): Promise<unknown>;
}

/** A connection to ask on, and one to hear. */
export interface Connections {
  readonly commands: Commands;
  /** Whether keys of different locks can be in one script. */
  readonly together: boolean;
  /** Connects both and subscribes; rejects when that fails. */
  open(channel: string): Promise<void>;
  close(): void;
}

interface ConnectionOptions {
  readonly clock: Clock;
  /** How long an answer may take, in milliseconds. */
  readonly within: number;
  /** The same as things stand: the first connection may take longer. */
  readonly patience: () => number;
  /** How long connecting may take; undefined: as long as an answer. */
  readonly connectWithin: number | undefined;
  readonly hear: (message: string) => void;
  /** Either of the two broke, or the server takes no locks any more. It may be told twice. */
  readonly lost: (error: unknown) => void;
}

/** Makes connections that are not open yet. */
export interface Connect {
  (options: ConnectionOptions): Connections;
  /** Whether they are to the nodes of a Cluster. */
  readonly ofCluster: boolean;
}

type Client = Redis | Cluster;
type Limits = Pick<ConnectionOptions, "clock" | "within" | "patience" | "connectWithin">;

/** Makes connections of our own to where a URL says. */
export function connectTo(target: Target): Connect {
  const ofCluster = target.kind === "cluster";
  return connectBy(ofCluster, (limits) =>
    target.kind === "server"
      ? new Redis({ ...target.server, ...serverOptions(limits) })
      : new Cluster(target.nodes, clusterOptions(limits, target.server)),
  );
}

/** Makes connections to where a client of the user's is connected to; that one is left alone. */
export function connectLike(client: Client): Connect {
  return connectBy(client.isCluster, (limits) =>
    client.isCluster
      ? (client as Cluster).duplicate(
          [],
          clusterOptions(limits, (client as Cluster).options.redisOptions),
        )
      : (client as Redis).duplicate(serverOptions(limits)),
  );
}

function connectBy(ofCluster: boolean, make: (limits: Limits) => Client): Connect {
  const connect = ({ hear, lost, ...limits }: ConnectionOptions): Connections => {
    const commands = make(limits);
    const pushes = make(limits);
    let failure: unknown;
    for (const client of [commands, pushes]) {
      client.on("error", (error) => (failure = error));
      client.on("end", () => lost(failure));
      tame(client, limits);
    }
    // It answers, and so would be asked for ever.
    const failed = (error: unknown): void => {
      if (wasDemoted(error)) lost(error);
    };
    pushes.on("message", (_: string, message: string) => hear(message));
    return {
      commands: {
        ping: () => commands.ping(),
        info: () => commands.info(),
        run: (script, keys, args, isWanted) =>
          run(commands, script, keys, args, { isWanted, failed }),
      },
      together: !ofCluster,
      async open(channel) {
        const both = await Promise.allSettled([
          commands.connect(),
          pushes.connect().then(() => pushes.subscribe(channel)),
        ]);
        const failed = both.find(({ status }) => status === "rejected");
        // What broke it says more than that it is closed.
        if (failed?.status === "rejected") throw failure ?? failed.reason;
      },
      close() {
        commands.disconnect();
        pushes.disconnect();
      },
    };
  };
  return Object.assign(connect, { ofCluster });
}

/**
 * Core keeps the process running while somebody holds or waits: a socket must not. An error that comes
 * after the one ioredis listens for, as from a server that refuses our certificate, must not end the
 * process. And a server that does not answer is given up: what ioredis has for that costs a timer and a
 * listener for each command. It has no event for a new socket, so that is heard by its being assigned.
 */
function tame(client: Client, limits: Limits): void {
  if (!client.isCluster) return tameNode(client as Redis, limits);
  client.on("+node", (node: Redis) => {
    tameNode(node, limits);
    joinWrites(node);
  });
}

function tameNode(client: Redis, { clock, patience }: Limits): void {
  let stream: Redis["stream"] | undefined;
  const watchdog = new Watchdog(clock, patience, (ms) => {
    stream?.destroy(new Error(`No answer within ${Math.round(ms)} ms.`));
  });
  Object.defineProperty(client, "stream", {
    get: () => stream,
    set: (made: Redis["stream"]) => {
      stream = made;
      made.on("error", () => {});
      made.on("data", () => watchdog.heard());
    },
  });
  const send = client.sendCommand.bind(client);
  client.sendCommand = (command, to) => {
    watchdog.asked();
    return send(command, to);
  };
  client.on("connect", () => stream?.unref());
  client.on("end", () => watchdog.stop());
}

/** The first request of a turn of the event loop goes at once, the others after it in one write. */
function joinWrites(client: Redis): void {
  const send = client.sendCommand.bind(client);
  let corked = false;
  client.sendCommand = (command, to) => {
    const answer = send(command, to);
    const { stream } = client;
    if (!corked && stream) {
      corked = true;
      stream.cork();
      process.nextTick(() => {
        corked = false;
        stream.uncork();
      });
    }
    return answer;
  };
}

// What was asked when a connection breaks is ambiguous: only the session may ask it again, and only
// the link connects again.
function serverOptions({ patience, connectWithin = patience() }: Limits) {
  return {
    lazyConnect: true,
    // Of a client that is copied, what would change keys, answers or their order.
    keyPrefix: "",
    stringNumbers: false,
    enableAutoPipelining: false,
    replyMapping: "legacy",
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResubscribe: false,
    retryStrategy: () => null,
    reconnectOnError: () => false,
    connectTimeout: connectWithin,
  } as const;
}

function clusterOptions(limits: Limits, server: object | undefined) {
  const {
    retryStrategy: _,
    enableOfflineQueue: __,
    lazyConnect: ___,
    ...rest
  } = serverOptions(limits);
  return {
    lazyConnect: true,
    // What is asked of a node that is being connected to waits for that: it was not sent yet.
    enableOfflineQueue: true,
    clusterRetryStrategy: () => null,
    // 0 is never: what was on its way to a node when that broke would be sent again.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    slotsRefreshTimeout: limits.connectWithin ?? limits.within,
    redisOptions: { ...server, ...rest },
  } as const;
}
