import type { Refusals } from './refusal.ts';

export const vlan = {
  refusals: {
    EEXIST: {
      meaning: 'vlan: another link has the same id and protocol on dev',
      advice: 'choose another id, or delete the other link',
    },
    EOPNOTSUPP: { meaning: 'vlan.dev: it carries no tagged frames', advice: 'choose another dev' },
  } satisfies Refusals,
};
