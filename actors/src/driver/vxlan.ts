import { isDeepStrictEqual } from 'node:util';
import type { NetlinkInterfaceSpec, ObservedVxlan } from '@ifactor/crds';
import { canonicalIp } from '../netlink/ip.ts';
import type { Driver } from './driver.ts';
import { conflictWith, create, diffLink, nothing, ownership, remove } from './link.ts';
import { placed, wantedLink } from './placed.ts';

/** The attributes of a spec, in the shape they are observed in. */
function attributes(spec: NetlinkInterfaceSpec): ObservedVxlan {
  const vxlan = spec.vxlan;
  if (vxlan === undefined) throw new TypeError('a vxlan without spec.vxlan has passed its schema');
  const [low = 0, high = 0] = vxlan.portRange ?? [];
  return {
    vni: vxlan.vni,
    dev: vxlan.dev ?? null,
    local: vxlan.local === undefined ? null : canonicalIp(vxlan.local),
    group: vxlan.group === undefined ? null : canonicalIp(vxlan.group),
    port: vxlan.port,
    // The kernel writes "its own choice" as 0 to 0.
    portRange: high === 0 ? null : [low, high],
    tos: vxlan.tos ?? 0,
    ttl: vxlan.ttl ?? 0,
    learning: !vxlan.noLearning,
    ageing: !vxlan.noAge,
    proxy: vxlan.proxyARP,
  };
}

/** A vxlan. The kernel takes most of its attributes only at birth, so a change of any of them makes the link anew. */
export const vxlan: Driver<NetlinkInterfaceSpec> = {
  ...placed,
  devices: (spec) => (spec.vxlan?.dev === undefined ? [] : [spec.vxlan.dev]),
  diff(spec, known, observed) {
    const wanted = attributes(spec);
    const want = wantedLink(spec, known, { kind: 'vxlan', vxlan: wanted });
    const found = observed.links.target;
    if (wanted.dev !== null && !observed.devices[wanted.dev]) {
      if (found && ownership(want, found) === 'foreign') return { ...nothing(), conflict: conflictWith(want, found) };
      const message = `waits for ${wanted.dev}, which does not exist yet in the vxlan's netns`;
      return { ...nothing(), waiting: [{ reason: 'DeviceMissing', message }] };
    }
    const special = found?.vxlan;
    if (!found || !special || isDeepStrictEqual(special, wanted)) return diffLink(want, found);
    if (ownership(want, found) === 'foreign') return { ...nothing(), conflict: conflictWith(want, found) };
    const result = nothing();
    for (const field of Object.keys(wanted) as (keyof ObservedVxlan)[]) {
      if (isDeepStrictEqual(special[field], wanted[field])) continue;
      result.drift.push({ field: `vxlan.${field}`, wanted: wanted[field], found: special[field] });
    }
    const fields = result.drift.map(({ field }) => field);
    result.operations.push(remove(want.slot, found, want.mark, fields), ...create(want));
    return result;
  },
};
