import { Claim, endless, onAbort, type AcquireRequest } from "@coord/core/driver";
import { describe, expect, test } from "vitest";

function claimed() {
  const controller = new AbortController();
  const asked: string[] = [];
  const request: AcquireRequest = {
    name: "x",
    owner: "1",
    mode: "exclusive",
    wait: true,
    signal: controller.signal,
    onAbort: (callback) => onAbort(controller.signal, callback),
    info: { member: "me" },
  };
  const claim = new Claim(request, {
    lease: endless,
    withdraw: (owner) => void asked.push(`withdraw ${owner}`),
    release: async (owner) => {
      asked.push(`release ${owner}`);
      return "released";
    },
  });
  claim.answer.catch(() => {});
  return { claim, controller, asked };
}

describe("a claim", () => {
  test("that is granted twice is granted once, and given back by its owner", async () => {
    const { claim, controller, asked } = claimed();
    claim.grant("7");
    claim.grant("8");
    const grant = await claim.answer;
    if ("busy" in grant) throw new Error("it is busy");
    expect([claim.granted, grant.token]).toEqual([true, 7n]);
    controller.abort(new Error("too late"));
    expect(asked).toEqual([]);
    expect(await grant.release(controller.signal)).toBe("released");
    expect(asked).toEqual(["release 1"]);
  });

  test("that was given up is withdrawn, and no answer that comes then counts", async () => {
    const { claim, controller, asked } = claimed();
    controller.abort(new Error("given up"));
    expect(asked).toEqual(["withdraw 1"]);
    claim.refuse({ busy: true });
    claim.fail(new Error("no answer"));
    await expect(claim.answer).rejects.toThrow("given up");
  });

  test("that fails or is refused listens to nobody any more", async () => {
    for (const end of ["fail", "refuse"] as const) {
      const { claim, controller, asked } = claimed();
      if (end === "fail") claim.fail(new Error("no answer"));
      else claim.refuse({ busy: true });
      controller.abort(new Error("too late"));
      expect(asked).toEqual([]);
    }
  });

  test("that is lost before its grant was told is lost with it", async () => {
    const { claim } = claimed();
    claim.lose("broken");
    claim.lose("taken");
    claim.grant("7");
    const grant = await claim.answer;
    expect(await ("lost" in grant ? grant.lost : "no grant")).toBe("broken");
  });
});
