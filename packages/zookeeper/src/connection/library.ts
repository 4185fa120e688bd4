import type { Socket } from "node:net";
import library, { type Client, type Manager } from "node-zookeeper-client";
import type { Identity } from "./connection.js";
import { onFrames } from "./frames.js";
import { bufferOf } from "./longs.js";
import type { Target } from "./target.js";

/** The state of the library's connection manager in which it awaits what a server says first. */
export const connecting = 1;

/** What a socket of ours is, and who hears of it. */
interface Ours {
  /** Makes it, when the library wants to connect. */
  dial(): Socket;
  /** Whether a message is not for the library. */
  take(frame: Buffer): boolean;
  failed(error: Error): void;
  /** The library knows, and has rejected whoever waited for an answer. */
  closed(): void;
}

/** A client that has a session, or is to ask for one. It is told no server: see `giveSocket()`. */
export function clientFor(
  { digest }: Target,
  timeout: number,
  session: Identity | undefined,
): Client {
  const client = library.createClient("unused", {
    sessionTimeout: timeout,
    ...(session && { sessionId: bufferOf(session.id), sessionPassword: session.password }),
  });
  if (digest !== undefined) client.addAuthInfo("digest", Buffer.from(digest));
  return client;
}

/** Gives the library one socket of ours, in place of all that it would make by itself. */
export function giveSocket(manager: Manager, ours: Ours): void {
  let isGiven = false;
  manager.connect = () => {
    // The second time it is that the socket has closed.
    if (isGiven) return;
    isGiven = true;
    manager.setState(connecting);
    const socket = ours.dial();
    manager.socket = socket;
    onFrames(socket, (frame) => {
      try {
        if (!ours.take(frame)) manager.onSocketData(frame);
      } catch (error) {
        // It throws at what it does not know.
        socket.destroy(error as Error);
      }
    });
    socket.on("drain", () => manager.onSocketDrain());
    socket.on("error", (error) => ours.failed(error));
    socket.once("close", () => {
      manager.onSocketClosed();
      ours.closed();
    });
  };
}

/** What is asked in one go is sent in one. */
export function corkForNow(socket: Socket): void {
  if (socket.writableCorked > 0) return;
  socket.cork();
  process.nextTick(() => socket.uncork());
}
