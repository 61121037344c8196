import type { Address, InterfaceAddress, NetlinkAddress } from '@ifactor/crds';
import { canonicalIp } from '@ifactor/common/ip';

/** `local` and `peer` as the kernel keeps them: canonical, and without a peer that equals the address itself. */
function address(local: string, peer: string | undefined, prefixlen: number, noPrefixRoute: boolean): Address {
  const own = canonicalIp(local);
  const far = peer === undefined ? null : canonicalIp(peer);
  return {
    family: own.includes(':') ? 'inet6' : 'inet',
    local: own,
    peer: far === own ? null : far,
    prefixlen,
    noPrefixRoute,
  };
}

// A spec is compared with the kernel many times in its life, and its entries never change: each is read once.
const read = new WeakMap<object, Address>();

function once(entry: object, make: () => Address): Address {
  const known = read.get(entry) ?? make();
  read.set(entry, known);
  return known;
}

/** An entry of a WireGuardInterface's `spec.addresses`, which has passed its schema. */
export const fromFields = (entry: InterfaceAddress): Address =>
  once(entry, () => address(entry.local, entry.peer, entry.prefixlen, entry.noPrefixRoute));

/** An entry of a NetlinkInterface's `spec.addresses`: `IP/LEN`, or a bare IP with `peerCidr` as `IP/LEN`. */
export const fromCIDR = (entry: NetlinkAddress): Address =>
  once(entry, () => {
    const [ip, length] = (entry.peerCidr ?? entry.ipcidr).split('/') as [string, string];
    return entry.peerCidr === undefined
      ? address(ip, undefined, Number(length), false)
      : address(entry.ipcidr, ip, Number(length), false);
  });
