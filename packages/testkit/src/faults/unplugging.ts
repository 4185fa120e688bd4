import { describe, expect, onTestFinished, test } from "vitest";
import { pass } from "../contract/meanwhile.js";
import { print } from "../contract/quiet.js";
import type { Subject } from "../contract/rig.js";
import { TcpProxy } from "../proxy/proxy.js";
import { Cable } from "./cable.js";
import { expire, settled } from "./expiring.js";
import type { Findings } from "./findings.js";
import { Site } from "./site.js";

/** A network cable that is pulled: the one fault that even the kernels at both ends do not hear of. */
export function describeUnplugging(subject: Subject, findings: Findings): void {
  describe("a cable that is pulled", { timeout: 60_000 }, () => {
    test("for less than a lease costs nothing, for longer the hold, which is told before another has it", async () => {
      const site = await Site.make(subject);
      const { network } = site;
      expect(network === undefined).toBe(site.traits.reach !== "network");
      if (!network) return;
      if (Cable.problem) {
        print(
          `${subject.driver.name}: no cable can be pulled here, so that is not tested: ${Cable.problem}`,
        );
        return;
      }
      const cable = new Cable();
      onTestFinished(() => cable[Symbol.dispose]());
      const { url, proxy } = await network.proxied(site.url);
      // The server itself may listen nowhere but here.
      const end = await TcpProxy.start({
        host: proxy.host,
        port: proxy.port,
        listenOn: cable.host,
      });
      onTestFinished(() => end[Symbol.asyncDispose]());
      const far = { url: end.through(url), inside: cable.inside };
      // TCP waits longer and longer before it sends again.
      const patient = { ...far, options: { ttl: 10 * site.ttl } };
      const takers = [site.taker(far), site.taker(far), site.taker(patient)] as const;
      const [holder, listener, steady] = await Promise.all(takers);
      const next = await site.local();
      const { token } = await steady.acquire("steady");
      cable.pull();
      await pass(site.beat);
      cable.plug();
      await settled(steady);
      if (site.byTime) expect((await steady.assertHeld("steady")).token).toBe(token);
      await Promise.all([settled(holder), settled(listener)]);
      await expire(site, findings, {
        what: "the cable is pulled",
        holder,
        listener,
        next,
        fault: () => cable.pull(),
        heal: () => cable.plug(),
      });
      await settled(holder);
    });
  });
}
