import type { KindAttributes } from '@ifactor/crds';
import type { Attributes } from '../../kernel/index.ts';
import type { Refusals } from './refusal.ts';
import type { Translation } from './translation.ts';

/** Logs say whether learned addresses expire at all, and "the kernel's choice" of source ports as null. */
const translation: Translation<KindAttributes['vxlan'], Attributes['vxlan']> = {
  toKernel: ({ ageing, portRange, ...rest }) => ({
    ...rest,
    ...(portRange === null ? {} : { portRange }),
    ...(ageing ? {} : { ageing: 0 }),
  }),
  fromKernel: ({ ageing, portRange, ...rest }) => ({
    ...rest,
    portRange: portRange[1] === 0 ? null : portRange,
    ageing: ageing !== 0,
  }),
};

const refusals: Refusals = {
  EEXIST: {
    meaning: 'vxlan: another vxlan has the same vni and port',
    advice: 'choose another vni, or delete the other link',
  },
  EINVAL: {
    meaning: 'vxlan: the kernel refuses group, local or dev',
    advice: 'give addresses of one family, a multicast group with a dev that has IPv6 where the group is IPv6',
  },
  EADDRINUSE: { meaning: 'vxlan.port: another program has this UDP port', advice: 'choose another port' },
};

export const vxlan = { translation, refusals };
