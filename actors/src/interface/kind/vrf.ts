import type { NetlinkInterfaceSpec } from '@ifactor/crds';
import { linkWithAttributes, section } from '../diff/linkWithAttributes.ts';
import type { KindRules } from '../diff/rules.ts';
import { withSlaves } from '../diff/slaves.ts';

const base = linkWithAttributes('vrf', {
  attributes: (spec) => ({ table: section(spec, 'vrf').table }),
  hasMac: () => true,
});

/** A vrf: the links enslaved to it use its own routing table. */
export const vrf: KindRules<NetlinkInterfaceSpec> = {
  ...base,
  devices: (spec) => section(spec, 'vrf').slaves,
  diff: (spec, known, observed) =>
    withSlaves(
      base.diff(spec, known, observed),
      { kind: 'vrf', name: spec.interfaceName, wanted: section(spec, 'vrf').slaves },
      observed,
    ),
};
