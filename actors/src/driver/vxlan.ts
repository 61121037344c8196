import { canonicalIp } from '../netlink/ip.ts';
import { attributed, section } from './attributed.ts';

/** A vxlan. The kernel takes most of its attributes only at birth, so a change of any of them makes the link anew. */
export const vxlan = attributed('vxlan', {
  attributes(spec) {
    const wanted = section(spec, 'vxlan');
    const [low = 0, high = 0] = wanted.portRange ?? [];
    return {
      vni: wanted.vni,
      dev: wanted.dev ?? null,
      local: wanted.local === undefined ? null : canonicalIp(wanted.local),
      group: wanted.group === undefined ? null : canonicalIp(wanted.group),
      port: wanted.port,
      // The kernel writes "its own choice" as 0 to 0.
      portRange: high === 0 ? null : [low, high],
      tos: wanted.tos ?? 0,
      ttl: wanted.ttl ?? 0,
      learning: !wanted.noLearning,
      ageing: !wanted.noAge,
      proxy: wanted.proxyARP,
    };
  },
  hasMac: () => true,
});
