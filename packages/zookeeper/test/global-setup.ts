import type { TestProject } from "vitest/node";
import { installNative } from "./native-client.js";

declare module "vitest" {
  interface ProvidedContext {
    /** Why the native client is not tested; empty where it is. */
    native: string;
  }
}

/** Before all tests, which have to do with time: compiling keeps the machine busy. */
export default function setup({ provide }: TestProject): void {
  provide("native", installNative());
}
