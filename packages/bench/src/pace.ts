/** How long everything takes. All times are milliseconds. */
export interface Pace {
  readonly alone: { readonly rounds: number; readonly ms: number };
  readonly turns: { readonly rounds: number; readonly warmUpMs: number; readonly ms: number };
  readonly many: { readonly rounds: number; readonly ms: number; readonly names: number };
  readonly held: { readonly locks: number; readonly settleMs: number; readonly restMs: number };
  /** `timed`: where a death is learned of by time, so that each round takes some. */
  readonly crash: { readonly rounds: number; readonly timed: number };
}

/** For figures that count: two to three minutes for a backend. */
export const full: Pace = {
  alone: { rounds: 11, ms: 250 },
  turns: { rounds: 5, warmUpMs: 250, ms: 1_250 },
  many: { rounds: 11, ms: 250, names: 1_000 },
  // Five of a coordinator's beats; one of proper-lockfile's rounds.
  held: { locks: 10_000, settleMs: 2_000, restMs: 5_000 },
  crash: { rounds: 20, timed: 8 },
};

/** To see that it runs: a few seconds. */
export const quick: Pace = {
  alone: { rounds: 2, ms: 30 },
  turns: { rounds: 1, warmUpMs: 50, ms: 250 },
  many: { rounds: 1, ms: 10, names: 200 },
  held: { locks: 300, settleMs: 50, restMs: 100 },
  crash: { rounds: 1, timed: 1 },
};
