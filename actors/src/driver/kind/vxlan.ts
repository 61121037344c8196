import type { KindAttributes } from '@ifactor/crds';
import type { Attributes } from '../../kernel/index.ts';
import type { Translation } from './translation.ts';

/** Logs say whether learned addresses expire at all, and "the kernel's choice" of source ports as null. */
export const vxlan: Translation<KindAttributes['vxlan'], Attributes['vxlan']> = {
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
