/** The same bridges for everybody: each with an MTU, an IPv4 and an IPv6 address, up. */
import { API_VERSION, type Desired } from '@ifactor/crds';

export type Bridge = { name: string; mtu: number; ipv4: string; ipv6: string };

export function bridges(count: number): Bridge[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `br${i}`,
    mtu: 1400,
    ipv4: `10.${100 + (i >> 8)}.${i & 255}.1/24`,
    ipv6: `fd00:${i.toString(16)}::1/64`,
  }));
}

/** Input of `ip -batch`: three requests for each bridge, the fewest that it can be told by. */
export function batchText(list: readonly Bridge[]): string {
  return list
    .map(
      ({ name, mtu, ipv4, ipv6 }) =>
        `link add name ${name} mtu ${mtu} up type bridge\naddress add ${ipv4} dev ${name}\naddress add ${ipv6} dev ${name}\n`,
    )
    .join('');
}

/** As a bridge to Kubernetes would publish it. */
export function desired(node: string, { name, mtu, ipv4, ipv6 }: Bridge): Desired {
  return {
    apiVersion: API_VERSION,
    kind: 'NetlinkInterface',
    namespace: 'default',
    name,
    uid: `${node}-${name}`,
    generation: 1,
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
    spec: { node, interfaceName: name, type: 'bridge', up: true, mtu, addresses: [{ ipcidr: ipv4 }, { ipcidr: ipv6 }] },
    secrets: [],
    missing: [],
  };
}
