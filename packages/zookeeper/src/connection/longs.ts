import type { Stat as LibraryStat } from "node-zookeeper-client";
import type { Stat } from "./connection.js";

/** What the library tells of a node. */
export function statOf({ czxid, ctime, ephemeralOwner, dataLength }: LibraryStat): Stat {
  return {
    czxid: longOf(czxid),
    ctime: Number(longOf(ctime)),
    owner: longOf(ephemeralOwner),
    dataLength,
  };
}

/** A number of 64 bits, of which the library gives the bytes. */
export function longOf(bytes: Buffer): bigint {
  return bytes.readBigInt64BE();
}

/** The bytes of a number of 64 bits. */
export function bufferOf(long: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(long);
  return bytes;
}

/** As ZooKeeper's own tools and logs write it. */
export function hexOf(session: bigint): string {
  return `0x${BigInt.asUintN(64, session).toString(16)}`;
}

/** How many nodes were ever made in a folder, modulo 2^31: the server adds twice that up, less those that are there. */
export function madeIn({
  cversion,
  numChildren,
}: {
  cversion: number;
  numChildren: number;
}): number {
  return ((cversion + numChildren) / 2) & 0x7fff_ffff;
}
