/**
 * Rounds, and one before them that is longer and not counted: in it V8, and a server's virtual machine,
 * compile what is run again and again.
 */
interface Rounds {
  readonly rounds: number;
  readonly firstMs: number;
  readonly ms: number;
}

/** How long everything takes. All times are milliseconds. */
export interface Pace {
  readonly alone: Rounds;
  /** `settleMs`: until all are in line. */
  readonly turns: Rounds & { readonly settleMs: number };
  readonly many: Rounds & { readonly names: number };
  readonly held: { readonly locks: number; readonly settleMs: number; readonly restMs: number };
  /** `timed`: where a death is learned of by time, so that each round takes some. */
  readonly crash: { readonly rounds: number; readonly timed: number };
}

/** For figures that count: three to four minutes for a backend. */
export const full: Pace = {
  alone: { rounds: 11, firstMs: 5_000, ms: 250 },
  turns: { rounds: 5, firstMs: 15_000, settleMs: 250, ms: 1_250 },
  many: { rounds: 11, firstMs: 5_000, ms: 250, names: 1_000 },
  // Five of a coordinator's beats; one of proper-lockfile's rounds.
  held: { locks: 10_000, settleMs: 2_000, restMs: 5_000 },
  crash: { rounds: 20, timed: 8 },
};

/** To see that it runs: a few seconds. */
export const quick: Pace = {
  alone: { rounds: 2, firstMs: 30, ms: 30 },
  turns: { rounds: 1, firstMs: 100, settleMs: 50, ms: 250 },
  many: { rounds: 1, firstMs: 10, ms: 10, names: 200 },
  held: { locks: 300, settleMs: 50, restMs: 100 },
  crash: { rounds: 1, timed: 1 },
};
