// Ends a run with one plain line for machines, "N passed, N failed[, N skipped]", and fails a run of no tests.
// When only some backends were to be tested, "COORD_TEST_ONLY=file,redis:" comes before it.

/** @implements {import("vitest/node").Reporter} */
export default class PlainReporter {
  /** @type {string | undefined} */
  #line;
  #prefix;

  /** @param {{ only?: string }} options the backends tested, if they were chosen */
  constructor({ only } = {}) {
    this.#prefix = only ? `COORD_TEST_ONLY=${only}: ` : "";
  }

  onInit() {
    // At exit, because coverage tables and servers' teardowns print after the run has ended.
    process.once("exit", () => {
      if (this.#line !== undefined) process.stdout.write(`${this.#line}\n`);
    });
  }

  /**
   * @param {ReadonlyArray<import("vitest/node").TestModule>} modules
   * @param {ReadonlyArray<unknown>} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) count[test.result().state] += 1;
      // A file that does not load or a hook that throws fails the run without failing a test.
      for (const group of [module, ...module.children.allSuites()]) {
        if (group.errors().length > 0) count.failed += 1;
      }
    }
    if (count.passed + count.failed === 0) process.exitCode = 1;
    const skipped = count.skipped + count.pending;
    this.#line = `${this.#prefix}${count.passed} passed, ${count.failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
  }
}
