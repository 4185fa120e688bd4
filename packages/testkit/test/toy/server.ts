/**
 * The toy's server: `node server.js [<port> [<file>]]`. It prints `listening <port>` and exits when its
 * stdin closes. All it knows is in memory: who starts it again has one without data, unless a file is
 * named in which another one left it (`Order.die`).
 *
 * Tests are its administrators. Each line of JSON on its stdin is answered by `done` (`Order`).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { answers, load, revoke, save, Session } from "./locks.js";
import { onLines, type Operation, type Push, type Reply, type Request } from "./wire.js";

/** What an administrator can do. */
export interface Order {
  /** Takes the lock from whoever holds it. */
  readonly revoke?: readonly [space: string, name: string];
  /** What is said next of this kind, an answer or a push, gets lost on its way. */
  readonly lose?: Operation | "push";
  /** What is asked next of this kind does. */
  readonly ignore?: Operation;
  /** Cuts all connections. */
  readonly cut?: boolean;
  /** Kills it, as by `kill -9`; all that it knows at that moment is in this file. */
  readonly die?: string;
}

const sockets = new Set<Socket>();
const losing = new Set<Operation | "push">();
const ignoring = new Set<Operation>();

const server = createServer({ noDelay: true }, (socket) => {
  sockets.add(socket);
  socket.on("error", () => {}).once("close", () => sockets.delete(socket));
  onLines(socket, (line) => {
    const request: Request = JSON.parse(line);
    if (!ignoring.delete(request.op)) void take(request, socket);
  });
});
const [port = 0, data] = process.argv.slice(2);
if (data) load(JSON.parse(readFileSync(data, "utf8")));
server.listen(Number(port), "127.0.0.1", () => {
  const address = server.address();
  console.log(`listening ${typeof address === "object" ? address?.port : address}`);
});

onLines(process.stdin, (line) => {
  const order: Order = JSON.parse(line);
  if (order.revoke) revoke(...order.revoke);
  if (order.lose) losing.add(order.lose);
  if (order.ignore) ignoring.add(order.ignore);
  if (order.cut) for (const socket of sockets) socket.destroy();
  if (order.die) {
    writeFileSync(order.die, JSON.stringify(save()));
    process.kill(process.pid, "SIGKILL");
  }
  console.log("done");
});
process.stdin.once("end", () => process.exit());

async function take(request: Request, socket: Socket): Promise<void> {
  const session = sessionOf(request);
  // Of two sockets of a client the older may be read last: what it asks is not wanted any more.
  if (session && request.socket < session.socket) return void socket.destroy();
  if (session) {
    session.socket = request.socket;
    session.tell = (push) => say("push", push, socket);
  }
  const { id, op, ask } = request;
  // The compiler does not see that `ask` is what this `op` asks.
  const find = (op === "open" ? () => ({}) : answers[op]) as (by: Session, ask: object) => object;
  const answer = session && find(session, ask);
  // What is known at once is said before anything that happens later.
  say(op, { id, answer: answer instanceof Promise ? await answer : answer }, socket);
}

function sessionOf(request: Request): Session | undefined {
  if (request.op !== "open") return Session.find(request.session);
  const ask = request.ask as Request<"open">["ask"];
  Session.find(ask.previous ?? "")?.end("released");
  return new Session(request.session, ask);
}

function say(kind: Operation | "push", message: Push | Reply, socket: Socket): void {
  if (!losing.delete(kind)) socket.write(`${JSON.stringify(message)}\n`);
}
