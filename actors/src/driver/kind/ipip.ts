import type { Refusals } from './refusal.ts';

export const ipip = {
  refusals: {
    EEXIST: {
      meaning: 'ipip: another tunnel has the same remote, local and dev',
      advice: 'change one of them, or delete the other tunnel',
    },
  } satisfies Refusals,
};
