import type { Refusals } from './refusal.ts';

const alone = {
  meaning: 'macvlan.mode: dev has a macvlan in mode passthru, or would get one beside others',
  advice: 'delete the others, or choose the same other mode for all',
};

export const macvlan = {
  refusals: {
    EINVAL: alone,
    EBUSY: { meaning: 'macvlan.dev: another program uses it', advice: 'choose another dev' },
  } satisfies Refusals,
};
