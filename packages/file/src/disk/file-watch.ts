import { watch, type FSWatcher } from "node:fs";

/**
 * Calls `changed` when the file at a path is touched, moved or removed, until it is closed. Where
 * there is no file it watches nothing; where the kernel has no watches left it calls `failed` too.
 */
export class FileWatch {
  #watcher: FSWatcher | undefined;

  constructor(path: string, changed: () => void, failed: (error: unknown) => void) {
    try {
      this.#watcher = watch(path, { persistent: false }, changed);
      this.#watcher.on("error", failed);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) failed(error);
    }
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}
