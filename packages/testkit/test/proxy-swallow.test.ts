import { describe, expect, test } from "vitest";
import { Client, echo, later, until } from "./echo.js";

describe("an answer that is swallowed", () => {
  const cutAfter = 100;
  const asks = (what: string) => (bytes: Buffer) => bytes.includes(`[${what}]`);

  test("its request arrives whole, in however many parts; then nothing comes back, and the connection breaks", async () => {
    const { proxy, server } = await echo();
    const client = await Client.connect(proxy.port);
    await client.ask("[before]");
    const { forwarded, cut } = proxy.swallow(asks("take x"), { cutAfter });
    for (const part of ["[ta", "ke", " x", "][after"]) {
      client.say(part);
      await later(10);
    }
    await forwarded;
    client.say("]");
    await until(() => server.text() === "[before][take x][after]");
    await cut;
    expect(await client.ended).toBe("ECONNRESET");
    // What came before it was complete was answered.
    expect("[before][take x".startsWith(client.heard)).toBe(true);
    expect(server.sockets).toHaveLength(1);
    await (await Client.connect(proxy.port)).ask("[take x]");
  });

  test("its request is found among others in one part, and once", async () => {
    const { proxy, server } = await echo();
    const [client, other] = [await Client.connect(proxy.port), await Client.connect(proxy.port)];
    const { forwarded, cut } = proxy.swallow(asks("b"), { cutAfter });
    await other.ask("[a][c]");
    client.say("[a][b][c]");
    await forwarded;
    await until(() => server.heard.some((parts) => Buffer.concat(parts).includes("[b][c]")));
    await other.ask("[b]");
    await cut;
    expect([client.heard, await client.ended]).toEqual(["", "ECONNRESET"]);
    await other.ask("[still here]");
  });

  test("what was sent before it was asked for does not count", async () => {
    const { proxy } = await echo();
    const client = await Client.connect(proxy.port);
    await client.ask("[take x]");
    const { forwarded } = proxy.swallow(asks("take x"), { cutAfter });
    let swallowed = false;
    void forwarded.then(() => (swallowed = true));
    await client.ask("[something else]");
    expect(swallowed).toBe(false);
    client.say("[take x]");
    await forwarded;
  });

  test("whoever waits for it is told when it is healed before it came", async () => {
    const { proxy } = await echo();
    const { forwarded, cut } = proxy.swallow(asks("x"));
    proxy.heal();
    await expect(forwarded).rejects.toThrow("before the proxy was healed");
    await expect(cut).rejects.toThrow("before the proxy was healed");
    await (await Client.connect(proxy.port)).ask("[x]");
  });

  test("it waits for one that is stalled", async () => {
    const { proxy, server } = await echo();
    const client = await Client.connect(proxy.port);
    await client.ask("-");
    proxy.stall("toServer");
    const { forwarded } = proxy.swallow(asks("x"), { cutAfter });
    client.say("[x]");
    await later(50);
    expect(server.text()).toBe("-");
    const waiting = forwarded.then(() => server.text());
    proxy.heal();
    expect(await waiting).toBe("-[x]");
  });
});
