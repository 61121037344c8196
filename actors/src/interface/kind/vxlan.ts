import { canonicalIp } from '@ifactor/common/ip';
import { linkWithAttributes, section } from '../diff/linkWithAttributes.ts';

/** The kernel writes "its own choice" as 0 to 0. */
const rangeOf = (range: readonly number[] | undefined): [number, number] | null =>
  range?.[1] ? [range[0]!, range[1]] : null;

/** A vxlan. The kernel takes most of its attributes only at birth, so a change of any of them recreates the link. */
export const vxlan = linkWithAttributes('vxlan', {
  attributes(spec) {
    const wanted = section(spec, 'vxlan');
    return {
      vni: wanted.vni,
      dev: wanted.dev ?? null,
      local: wanted.local === undefined ? null : canonicalIp(wanted.local),
      group: wanted.group === undefined ? null : canonicalIp(wanted.group),
      port: wanted.port,
      portRange: rangeOf(wanted.portRange),
      tos: wanted.tos ?? 0,
      ttl: wanted.ttl ?? 0,
      learning: !wanted.noLearning,
      ageing: !wanted.noAge,
      proxy: wanted.proxyARP,
    };
  },
  hasMac: () => true,
});
