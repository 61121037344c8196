/** Projects of the test workspace, in the order in which they run. A lane is a folder here with `*.test.ts` files. */
export const LANES = ['lane', 'contract'] as const;
export type Lane = (typeof LANES)[number];

/** Workspaces whose unit tests stand beside their source; each is a lane of its own. */
export const UNITS = ['crds', 'bridge', 'actors', 'lab'] as const;
