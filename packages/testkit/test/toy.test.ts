import { afterAll, beforeAll } from "vitest";
import { testContract } from "@coord/testkit";
import { Backend } from "./toy/backend.js";
import { toy } from "./toy/driver.js";

let backend: Backend;
beforeAll(async () => {
  backend = await Backend.start();
});
afterAll(() => backend[Symbol.asyncDispose]());

testContract({
  driver: toy,
  module: new URL("./toy/dist/driver.js", import.meta.url).href,
  url: () => backend.url(),
  faults: { revoke: (url, name) => backend.revoke(url, name) },
});
