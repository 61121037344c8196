import type { NetlinkInterfaceSpec } from '@ifactor/crds';
import { linkWithAttributes, section } from '../diff/linkWithAttributes.ts';
import type { KindRules } from '../diff/rules.ts';

const base = linkWithAttributes('vlan', {
  attributes(spec) {
    const { dev, id, protocol } = section(spec, 'vlan');
    return { dev, id, protocol };
  },
});

/** A vlan, with the MAC address of the device below: the frames of one tag on that. It cannot be up while that is down. */
export const vlan: KindRules<NetlinkInterfaceSpec> = {
  ...base,
  mustBeUp: (spec) => (spec.up ? base.devices(spec) : []),
  diff(spec, known, observed) {
    const [down] = observed.down ?? [];
    if (down === undefined) return base.diff(spec, known, observed);
    const result = base.diff({ ...spec, up: false }, known, observed);
    const params = { device: down, name: spec.interfaceName };
    return { ...result, waiting: [...result.waiting, { reason: 'DeviceDown', params }] };
  },
};
