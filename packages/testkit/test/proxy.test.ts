import { once } from "node:events";
import { connect } from "node:net";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { TcpProxy } from "@coord/testkit";
import { Client, echo, later, until } from "./echo.js";

describe("a proxy that does nothing", () => {
  test("carries bytes unchanged, many of them, both ways at once", async () => {
    const { proxy } = await echo();
    const socket = connect({ port: proxy.port, host: proxy.host });
    const [sent, heard] = [createHash("sha256"), createHash("sha256")];
    let bytes = 0;
    socket.on("data", (part: Buffer) => {
      heard.update(part);
      bytes += part.length;
    });
    for (let part = 0; part < 200; part++) {
      const random = Buffer.alloc(50_001, `part ${part} of them`);
      sent.update(random);
      if (!socket.write(random)) await once(socket, "drain");
    }
    socket.end();
    await once(socket, "close");
    expect([bytes, heard.digest("hex")]).toEqual([200 * 50_001, sent.digest("hex")]);
    expect(proxy.traffic).toMatchObject({ bytesToServer: bytes, bytesToClient: bytes });
  });

  test("carries an end of one direction while the other goes on", async () => {
    const { proxy, server } = await echo();
    server.silent = true;
    const client = await Client.connect(proxy.port);
    client.say("the last words");
    client.socket.end();
    await until(() => server.ends.includes("end"));
    // The server ended its side by itself, after the client's last words.
    expect([server.text(), await client.ended]).toEqual(["the last words", "end"]);
    await until(() => proxy.connections.length === 0);
    expect(server.ends).toEqual(["end", "close"]);
  });

  test("carries a reset as a reset, in either direction", async () => {
    const { proxy, server } = await echo();
    const [first, second] = [await Client.connect(proxy.port), await Client.connect(proxy.port)];
    await Promise.all([first.ask("x"), second.ask("y")]);
    first.socket.resetAndDestroy();
    await until(() => server.ends.includes("ECONNRESET"));
    const other = server.sockets.find(({ destroyed }) => !destroyed);
    other?.resetAndDestroy();
    expect(await second.ended).toBe("ECONNRESET");
    await until(() => proxy.connections.length === 0);
  });

  test("breaks the connection when there is no server", async () => {
    const { proxy, server } = await echo();
    await server.close();
    expect(await Client.attempt(proxy.port)).toBe("ECONNRESET");
    await until(() => proxy.connections.length === 0);
  });

  test("lets whoever sends faster than the other takes wait, and loses nothing", async () => {
    const { proxy, server } = await echo();
    server.silent = true;
    const client = await Client.connect(proxy.port);
    await until(() => server.sockets.length === 1);
    server.sockets[0]?.pause();
    const part = Buffer.alloc(1024 * 1024);
    let taken = 0;
    const most = 64;
    while (taken < most && client.socket.write(part)) taken += 1;
    while (taken < most) {
      const drained = once(client.socket, "drain").then(() => true);
      if (!(await Promise.race([drained, later(500).then(() => false)]))) break;
      taken += 1;
      client.socket.write(part);
    }
    // What the kernel keeps for both connections is some MiB.
    expect(taken).toBeLessThan(most);
    server.sockets[0]?.resume();
    client.socket.end();
    await client.ended;
    expect(Buffer.concat(server.heard[0] ?? []).length).toBe(proxy.traffic.bytesToServer);
    expect(proxy.traffic.bytesToServer % part.length).toBe(0);
    expect(proxy.traffic.bytesToServer).toBeGreaterThanOrEqual(part.length * taken);
  });

  test("counts bytes, requests and round trips, of all and of each connection", async () => {
    const { proxy } = await echo();
    const client = await Client.connect(proxy.port);
    for (let turn = 0; turn < 5; turn++) await client.ask("twelve bytes");
    const five = { bytesToServer: 60, bytesToClient: 60, requests: 5, roundTrips: 5 };
    expect(proxy.connections).toEqual([five]);
    client.socket.end();
    await until(() => proxy.connections.length === 0);
    await (await Client.connect(proxy.port)).ask("x");
    expect(proxy.traffic).toEqual({
      bytesToServer: 61,
      bytesToClient: 61,
      requests: 6,
      roundTrips: 6,
    });
    expect(proxy.connections).toMatchObject([{ requests: 1, roundTrips: 1 }]);
  });

  test("counts requests as it is told to, several in one part too", async () => {
    const lines = () => (bytes: Buffer) => bytes.toString().split("\n").length - 1;
    const { proxy } = await echo({ requests: lines });
    const client = await Client.connect(proxy.port);
    await client.ask("one\ntwo\nthree\nfo");
    await client.ask("ur\n");
    expect(proxy.traffic).toMatchObject({ requests: 4, roundTrips: 2 });
  });

  test("leaves no descriptor, timer or listener, whatever was going on", async () => {
    // Whoever runs the tests opens files and sockets too, but none of TCP.
    const opened = (): number => openSockets().length;
    const { server } = await echo();
    await later(20);
    const [before, resources] = [opened(), process.getActiveResourcesInfo().length];
    expect(before).toBeGreaterThanOrEqual(2);
    for (let round = 0; round < 20; round++) {
      const proxy = await TcpProxy.start({ port: server.port });
      const client = await Client.connect(proxy.port);
      await client.ask("x");
      if (round % 4 === 0) proxy.stall();
      if (round % 4 === 1) proxy.delay(60_000);
      if (round % 4 === 2) proxy.throttle(1);
      if (round % 4 === 3) proxy.swallow(() => true, { cutAfter: 60_000 });
      client.say("much more than that");
      await later(1);
      await proxy[Symbol.asyncDispose]();
      await client.ended;
    }
    await until(() => opened() <= before);
    expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(resources + 1);
  });

  test("is in the place of the server in a URL", async () => {
    const { proxy } = await echo();
    const [url, own] = ["toy://user:pw@127.0.0.1:7007/space?ttl=2", `127.0.0.1:${proxy.port}`];
    expect(proxy.through(url)).toBe(`toy://user:pw@${own}/space?ttl=2`);
    expect(proxy.through("redis://localhost/3")).toBe(`redis://${own}/3`);
  });
});

/** The TCP sockets that this process has open. */
function openSockets(): string[] {
  // The tenth column is the inode.
  const lines = readFileSync("/proc/self/net/tcp", "utf8").split("\n").slice(1);
  const inodes = new Set(lines.map((line) => line.trim().split(/\s+/)[9]));
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1];
      return inode !== undefined && inodes.has(inode);
    } catch {
      // Closed meanwhile, as that of the folder itself is.
      return false;
    }
  });
}
