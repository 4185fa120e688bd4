import { Worker } from "node:worker_threads";
import { connect } from "@coord/core";
import { zookeeper } from "@coord/zookeeper";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { describeBreaking } from "../../testkit/src/contract/breaking.js";
import { describeCrash } from "../../testkit/src/contract/crash.js";
import { describeDying } from "../../testkit/src/contract/dying.js";
import { describeExclusion } from "../../testkit/src/contract/exclusion.js";
import { describeFactory } from "../../testkit/src/contract/factory.js";
import { describeGivingUp } from "../../testkit/src/contract/giving-up.js";
import { describeInFlight } from "../../testkit/src/contract/in-flight.js";
import { describeInspecting } from "../../testkit/src/contract/inspecting.js";
import { describeLeftovers } from "../../testkit/src/contract/leftovers.js";
import { describeLifecycle } from "../../testkit/src/contract/lifecycle.js";
import { describeNames } from "../../testkit/src/contract/names.js";
import { describeOrder } from "../../testkit/src/contract/order.js";
import { describeQuiet, listen } from "../../testkit/src/contract/quiet.js";
import { describeRelease } from "../../testkit/src/contract/release.js";
import { Rig } from "../../testkit/src/contract/rig.js";
import { describeShared } from "../../testkit/src/contract/shared.js";
import { describeStillness } from "../../testkit/src/contract/stillness.js";
import { describeTakenAway } from "../../testkit/src/contract/taken-away.js";
import { describeWaiting } from "../../testkit/src/contract/waiting.js";
import { startOthersClean } from "./native-client.js";
import { zookeeperSubject } from "./subject.js";

const problem = inject("native");
if (problem !== "") console.info(`zookeeper: the native client is not tested: ${problem}`);

describe.skipIf(problem !== "")("the native client keeps the contract", () => {
  const subject = zookeeperSubject(undefined, "&client=native");
  let clean: Disposable;
  beforeAll(() => {
    clean = startOthersClean();
  });
  afterAll(() => clean[Symbol.dispose]());
  const heard = listen();
  // All parts but that of processes: in a thread that is ended, the library ends the process.
  for (const part of [
    describeFactory,
    describeExclusion,
    describeShared,
    describeWaiting,
    describeOrder,
    describeGivingUp,
    describeInFlight,
    describeRelease,
    describeTakenAway,
    describeNames,
    describeLifecycle,
    describeInspecting,
    describeBreaking,
    describeCrash,
    describeDying,
    describeStillness,
    describeLeftovers,
  ]) {
    part(subject);
  }

  test("and lets a process end that holds nothing any more", async () => {
    const program = new Rig(subject).program("idle");
    await program.next("still here");
    expect(await program.exited).toEqual({ code: 0, signal: null });
  });

  test("and is refused in a thread, with TLS, and for a user", async () => {
    for (const url of [
      `${subject.url()}&use_ssl=true`,
      "zookeeper://a:b@localhost?client=native",
    ]) {
      const refused = connect(url, { drivers: [zookeeper] });
      await expect(refused).rejects.toMatchObject({ code: "COORD_BAD_OPTION" });
    }
    const program = `
      const { parentPort, workerData } = require("node:worker_threads");
      import("@coord/core")
        .then(({ connect }) => connect(workerData))
        .catch(({ code }) => parentPort.postMessage(code));
    `;
    const worker = new Worker(program, { eval: true, execArgv: [], workerData: subject.url() });
    const code = await new Promise((resolve, reject) => {
      worker.once("message", resolve).once("error", reject);
    });
    expect(code).toBe("COORD_BAD_OPTION");
    await worker.terminate();
  });

  describeQuiet(heard);
});
