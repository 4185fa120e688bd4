import type { Socket } from "node:net";

/**
 * Calls `take` for each message that comes, with its length before it. The library can do that too,
 * but copies all that is left of a part of the stream for each message in it.
 */
export function onFrames(socket: Socket, take: (frame: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (part: Buffer) => {
    let bytes = rest.length === 0 ? part : Buffer.concat([rest, part]);
    while (bytes.length >= 4) {
      const end = 4 + bytes.readInt32BE();
      if (end < 4) return void socket.destroy(new Error("This is not ZooKeeper's protocol."));
      if (bytes.length < end) break;
      take(bytes.subarray(0, end));
      bytes = bytes.subarray(end);
    }
    rest = bytes;
  });
}
