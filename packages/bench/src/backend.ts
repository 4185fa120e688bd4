/** Gives a lock back; where that is a matter of I/O, resolves when it is done. */
export type Release = () => Promise<unknown> | undefined;

/** Waits for a lock as long as it takes. A lock that can be had without waiting may be answered at once. */
export type Acquire = () => Promise<Release> | Release;

/** What one process has of a subject: an open connection, a folder. */
export interface Locker {
  /** How to acquire the lock of a name: what a program would prepare once, without I/O. */
  lock(name: string): Acquire;
  close(): Promise<void>;
}

/** How a locker is opened. */
export interface LockerOptions {
  /** After how many milliseconds a dead holder's lock is free, where that is a matter of time. */
  readonly ttl?: number;
}

/** One of those who are measured side by side. Its name is `coord`, `floor`, or a package's. */
export interface Subject {
  readonly name: string;
  /** What it does and with which options, in one line, for people. */
  readonly how: string;
  /** The shortest `ttl` it takes, in milliseconds; undefined where no hold ends by time. */
  readonly shortestTtl?: number;
  /** How often it renews all that it holds, in milliseconds; undefined where nothing is renewed. */
  readonly renewsEvery?: number;
  /** @param address what `setUp()` gave */
  open(address: string, options: LockerOptions): Promise<Locker>;
}

/** A private server, a temporary folder: what the subjects share, removed afterwards. */
export interface Place extends AsyncDisposable {
  /** How a process gets there: a URL, for most. */
  readonly address: string;
  /** The same place by way of a proxy, as the kit's, which counts round trips. Undefined where there is no server. */
  readonly counted?: { readonly address: string; roundTrips(): number };
}

/** All that the scenarios need to know of a backend: to add one, write a file and list it in `backends/index.ts`. */
export interface Backend {
  readonly name: string;
  /** The first is `coord`, the second `floor`: the same client library, by hand, with the bare minimum. */
  readonly subjects: readonly Subject[];
  /** Why a scenario does not apply here, by its name: nothing is left out without a word. */
  readonly inapplicable: Readonly<Record<string, string>>;
  setUp(): Promise<Place>;
}
