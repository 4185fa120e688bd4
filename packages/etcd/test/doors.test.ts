import { connect, type Coordinator } from "@coord/core";
import { etcd } from "@coord/etcd";
import { Certificates, TcpProxy } from "@coord/testkit/tools";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { EtcdServer } from "./etcd-server.js";

const certificates = new Certificates();
afterAll(() => certificates[Symbol.dispose]());

async function works(url: string, options: object = {}): Promise<Coordinator> {
  const coordinator = await connect(url, {
    drivers: [etcd],
    ttl: 1_000,
    heartbeat: 200,
    ...options,
  });
  onTestFinished(() => coordinator.stop());
  const hold = await coordinator.getLock("door").acquire({ timeout: 2_000 });
  expect(hold.remaining()).toBeGreaterThan(0);
  await hold.release();
  return coordinator;
}

describe("a server is reached", () => {
  let server: EtcdServer;
  beforeAll(async () => {
    server = await EtcdServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("by our scheme and Tooz's, with Tooz's options", async () => {
    const place = `127.0.0.1:${server.port}`;
    await works(`etcd://${place}`);
    const tooz = `etcd3+http://localhost:${server.port}?timeout=2&membership_timeout=5&api_version=v3`;
    const { traits } = await works(tooz);
    expect(traits.crashReleaseMs).toBe(3_000);
    const both = await works(`etcd3+http://${place}/?timeout=5&lock_timeout=1.2`);
    expect(both.traits.crashReleaseMs).toBe(3_000);
  });

  test("that takes no ttl so short gives a longer one, and that is what counts", async () => {
    const own = await EtcdServer.start({ "heartbeat-interval": "100", "election-timeout": "1000" });
    onTestFinished(() => own[Symbol.asyncDispose]());
    const coordinator = await works(own.url());
    expect(coordinator.traits.crashReleaseMs).toBe(3_000);
    const hold = await coordinator.getLock("x").acquire();
    expect(hold.remaining()).toBeGreaterThan(1_000);
  });

  test("although others that the URL names are away, or accept and say nothing", async () => {
    const deaf = await TcpProxy.start({ port: server.port });
    onTestFinished(() => deaf[Symbol.asyncDispose]());
    deaf.stall();
    const url = `etcd://127.0.0.1:1,127.0.0.1:${deaf.port},127.0.0.1:${server.port}`;
    expect((await works(`${url}?connect_timeout=0.5`)).state).toBe("connected");
  });

  test("by another of its addresses, when the one that was used is cut off; holds and waits go on", async () => {
    const proxies = [
      await TcpProxy.start({ port: server.port }),
      await TcpProxy.start({ port: server.port }),
    ];
    onTestFinished(async () => {
      for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
    });
    const hosts = proxies.map(({ port }) => `127.0.0.1:${port}`);
    const one = await works(`etcd://${hosts.join()}?namespace=moved`, { ttl: 2_000 });
    const hold = await one.getLock("x").acquire();
    const next = one.getLock("y");
    const other = await works(server.url().replace(/namespace=.*/, "namespace=moved"));
    const theirs = await other.getLock("y").acquire();
    const waiting = next.acquire();
    proxies[0]?.stall();
    await expect.poll(() => proxies[1]?.connections.length, { timeout: 5_000 }).toBe(1);
    await expect.poll(() => one.state, { timeout: 5_000 }).toBe("connected");
    hold.assertHeld();
    await theirs.release();
    expect((await waiting).token).toBeGreaterThan(theirs.token);
    hold.assertHeld();
  });
});

describe("a server of several", () => {
  let server: EtcdServer;
  beforeAll(async () => {
    server = await EtcdServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("that accepts and says nothing is passed by, with all that was asked of it", async () => {
    const [serves, deaf] = [
      await TcpProxy.start({ port: server.port }),
      await TcpProxy.start({ port: server.port }),
    ];
    onTestFinished(() => serves[Symbol.asyncDispose]());
    onTestFinished(() => deaf[Symbol.asyncDispose]());
    deaf.stall();
    const hosts = [serves, deaf].map(({ port }) => `127.0.0.1:${port}`);
    const one = await works(`etcd://${hosts.join()}?namespace=passed`, { ttl: 5_000 });
    const seen: string[] = [];
    void (async () => {
      for await (const state of one.states()) seen.push(state);
    })();
    const hold = await one.getLock("x").acquire();
    // Something is under way, so that it is noticed, and the key is to be watched soon.
    const asked = one.getLock("y").acquire();
    serves.cut();
    serves.heal();
    await (await asked).release();
    await expect.poll(() => one.state, { timeout: 5_000 }).toBe("connected");
    // As long as it takes to give up a connection that does not confirm what is watched.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(seen).toEqual(["connected", "suspended", "connected"]);
    hold.assertHeld();
  });
});

describe("TLS", () => {
  let server: EtcdServer;
  beforeAll(async () => {
    const settings = {
      "trusted-ca-file": certificates.ca,
      "cert-file": certificates.cert("server"),
      "key-file": certificates.key("server"),
      "client-cert-auth": "true",
    };
    server = await EtcdServer.start(settings, { scheme: "https" });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const client = (): string =>
    `&cert_cert=${certificates.cert("client")}&cert_key=${certificates.key("client")}`;

  test("needs the server's authority, and shows the client's certificate", async () => {
    const place = `localhost:${server.port}?ca_cert=${certificates.ca}${client()}`;
    for (const url of [`etcds://${place}`, `etcd3+https://${place}`]) {
      expect((await works(url)).state).toBe("connected");
    }
  });

  test("refuses a server of an unknown authority, a client without a certificate, and no TLS", async () => {
    const place = `localhost:${server.port}`;
    for (const url of [
      `etcds://${place}?namespace=x${client()}`,
      `etcds://${place}?ca_cert=${certificates.ca}`,
      `etcd://${place}`,
    ]) {
      const refused = connect(url, { drivers: [etcd], ttl: 1_000 });
      await expect(refused).rejects.toMatchObject({ code: "COORD_UNAVAILABLE" });
    }
  });
});

describe("a URL is refused", () => {
  test.each([
    ["etcd://a/x", "COORD_BAD_URL", /namespace/],
    ["etcd://user@a", "COORD_BAD_URL", /password/],
    ["etcd://a?ca_cert=/nowhere", "COORD_BAD_OPTION", /etcds:/],
    ["etcds://a?ca_cert=/nowhere", "COORD_BAD_OPTION", /ENOENT/],
    ["etcds://a?cert_cert=/nowhere", "COORD_BAD_OPTION", /cert_key/],
    ["etcd://a?nonsense=1", "COORD_BAD_OPTION", /nonsense/],
    ["etcd://127.0.0.1:1", "COORD_UNAVAILABLE", /ECONNREFUSED/],
  ])("%s", async (url, code, message) => {
    const refused = connect(url, { drivers: [etcd], ttl: 1_000 });
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
