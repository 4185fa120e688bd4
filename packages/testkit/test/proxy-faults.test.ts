import { describe, expect, test } from "vitest";
import { Client, echo, later, until } from "./echo.js";

describe("a fault", () => {
  test("cut: breaks what is there and what comes, until it is healed", async () => {
    const { proxy, server } = await echo();
    const client = await Client.connect(proxy.port);
    await client.ask("x");
    proxy.cut();
    expect(await client.ended).toBe("ECONNRESET");
    await until(() => server.ends.includes("ECONNRESET"));
    expect(await Client.attempt(proxy.port)).toBe("ECONNRESET");
    expect([server.sockets.length, proxy.attempts.length]).toEqual([1, 2]);
    proxy.heal();
    await (await Client.connect(proxy.port)).ask("y");
  });

  test("cut: breaks a connection on which nobody reads any more", async () => {
    const { proxy, server } = await echo();
    const client = await Client.connect(proxy.port);
    await client.ask("x");
    server.sockets[0]?.pause();
    for (let part = 0; part < 30; part++) client.socket.write(Buffer.alloc(1024 * 1024));
    await later(50);
    const { bytesToServer } = proxy.traffic;
    proxy.cut();
    await until(() => proxy.connections.length === 0);
    expect(proxy.traffic.bytesToServer).toBe(bytesToServer);
  });

  test("cut: breaks a connection that one side has ended", async () => {
    const { proxy, server } = await echo();
    const client = await Client.connect(proxy.port);
    await client.ask("x");
    proxy.stall("toClient");
    client.socket.end("last");
    await until(() => server.ends.includes("end"));
    proxy.cut();
    expect(await client.ended).toBe("ECONNRESET");
    await until(() => proxy.connections.length === 0 && server.ends.includes("close"));
  });

  test.each(["toServer", "toClient"] as const)(
    "cut %s: whoever receives sees an end, the other direction goes on",
    async (direction) => {
      const { proxy, server } = await echo();
      const client = await Client.connect(proxy.port);
      await client.ask("x");
      proxy.cut(direction);
      if (direction === "toServer") await until(() => server.ends.includes("end"));
      else expect(await client.ended).toBe("end");
      client.say("more");
      if (direction === "toClient") await until(() => server.text() === "xmore");
      else await later(50);
      expect([server.text(), client.heard]).toEqual([
        direction === "toServer" ? "x" : "xmore",
        "x",
      ]);
    },
  );

  test.each(["toServer", "toClient", "both"] as const)(
    "stall %s: nothing passes, and nothing is lost",
    async (direction) => {
      const { proxy, server } = await echo();
      const client = await Client.connect(proxy.port);
      await client.ask("x");
      proxy.stall(direction);
      client.say("more");
      if (direction === "toClient") await until(() => server.text() === "xmore");
      else await later(50);
      expect(server.text()).toBe(direction === "toClient" ? "xmore" : "x");
      expect(client.heard).toBe("x");
      proxy.heal();
      await client.until(() => client.heard === "xmore");
    },
  );

  test("stall: neither ends nor resets pass, and new connections are not answered", async () => {
    const { proxy, server } = await echo();
    const clients = [await Client.connect(proxy.port), await Client.connect(proxy.port)];
    await Promise.all(clients.map((client) => client.ask("x")));
    proxy.stall();
    clients[0]?.socket.end();
    clients[1]?.socket.resetAndDestroy();
    const late = await Client.connect(proxy.port);
    late.say("late");
    await later(100);
    expect([server.ends, server.text(2), late.heard]).toEqual([[], "", ""]);
    proxy.heal();
    await until(() => server.ends.includes("end") && server.ends.includes("ECONNRESET"));
    await late.until(() => late.heard === "late");
  });

  test("delay: each part is that late, not later for those before it", async () => {
    const { proxy, server } = await echo();
    const client = await Client.connect(proxy.port);
    proxy.delay(200, "toServer");
    const startedAt = performance.now();
    for (let part = 0; part < 10; part++) {
      client.say(String(part));
      await later(10);
    }
    expect(server.text()).toBe("");
    await client.until(() => client.heard === "0123456789");
    const took = performance.now() - startedAt;
    expect(took).toBeGreaterThanOrEqual(290);
    expect(took).toBeLessThan(1_500);
    proxy.delay(60_000);
    client.say("healed");
    await later(20);
    proxy.heal();
    await client.until(() => client.heard === "0123456789healed");
  });

  test("throttle: so many bytes in a second, of all connections together", async () => {
    const { proxy, server } = await echo();
    const clients = [await Client.connect(proxy.port), await Client.connect(proxy.port)];
    server.silent = true;
    proxy.throttle(20_000, "toServer");
    const startedAt = performance.now();
    for (const client of clients) client.socket.write(Buffer.alloc(5_000));
    await until(() => proxy.traffic.bytesToServer === 10_000);
    // The first piece, a twentieth of a second, passes at once.
    expect(performance.now() - startedAt).toBeGreaterThan(400);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    for (const client of clients) client.socket.write(Buffer.alloc(1_000_000));
    await later(20);
    proxy.heal();
    await until(() => proxy.traffic.bytesToServer === 2_010_000);
  });
});
