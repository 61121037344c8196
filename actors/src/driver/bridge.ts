import type { NetlinkInterfaceSpec } from '@ifactor/crds';
import type { Driver } from './driver.ts';
import { diffLink, nothing } from './link.ts';
import { placed, wantedLink } from './placed.ts';

const slavesOf = (spec: NetlinkInterfaceSpec): string[] => spec.bridge?.slaves ?? [];

/** A bridge; its list of slaves is exhaustive, and a slave that does not exist yet is waited for. */
export const bridge: Driver<NetlinkInterfaceSpec> = {
  ...placed,
  devices: slavesOf,
  diff(spec, known, observed) {
    const wanted = slavesOf(spec);
    // A bridge takes its address from its slaves, and so has the same again when they come back.
    const { key } = known;
    const want = wantedLink(spec, wanted.length === 0 ? known : { key }, { kind: 'bridge' });
    const present = wanted.filter((slave) => observed.devices[slave]);
    const found = observed.links.target;
    const result = diffLink(want, found);
    for (const slave of wanted.filter((name) => !observed.devices[name])) {
      result.waiting.push({
        reason: 'SlaveMissing',
        message: `waits for ${slave}, which does not exist yet in the bridge's netns; it is enslaved as soon as it appears`,
      });
    }
    if (result.conflict) return { ...nothing(), conflict: result.conflict };
    const enslaved = found?.kind === 'bridge' ? (found.slaves ?? []) : [];
    for (const slave of enslaved.filter((name) => !wanted.includes(name))) {
      result.drift.push({ field: 'bridge.slaves', wanted: null, found: slave });
      result.operations.push({ type: 'ReleaseSlave', slot: 'target', name: want.name, slave });
    }
    for (const slave of present.filter((name) => !enslaved.includes(name))) {
      result.drift.push({ field: 'bridge.slaves', wanted: slave, found: null });
      result.operations.push({ type: 'AttachSlave', slot: 'target', name: want.name, slave });
    }
    return result;
  },
};
