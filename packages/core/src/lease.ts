import type { Lease } from "./contract.js";

/** The lease of what does not end by time: it is held until it is given back or its process ends. */
export const endless: Lease = { endsAt: Infinity, renewed: () => {} };
