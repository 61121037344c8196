import type { Refusals } from './refusal.ts';

export const gre = {
  refusals: {
    EEXIST: {
      meaning: 'gre: another tunnel has the same remote, local, dev and key',
      advice: 'give the two different keys, or delete one',
    },
  } satisfies Refusals,
};
