import type { KindAttributes, Section } from '@ifactor/crds';
import { linkWithAttributes, section } from '../diff/linkWithAttributes.ts';

/** What tunnels of IPv4 packets have in common. */
export const tunnelOf = ({ dev, local, remote, ttl, tos }: Section<'ipip'>): KindAttributes['ipip'] => ({
  dev: dev ?? null,
  local: local ?? null,
  remote,
  ttl: ttl ?? 0,
  tos: tos ?? 0,
});

/** The kernel cannot change a tunnel between having a far end and having none; and another device below means another mtu. */
export const changesTunnel = (found: KindAttributes['ipip'], wanted: KindAttributes['ipip']): boolean =>
  found.remote !== null && found.dev === wanted.dev;

/** An IP-in-IP tunnel: IPv4 packets within IPv4 packets to one far end. */
export const ipip = linkWithAttributes('ipip', {
  attributes: (spec) => tunnelOf(section(spec, 'ipip')),
  changes: changesTunnel,
});
