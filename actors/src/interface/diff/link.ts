import type { Address, Drift, KernelOperation, LinkKind, ObservedLink, Slot } from '@ifactor/crds';
import { printAddress } from '@ifactor/crds/words';
import { withoutUndefined } from './withoutUndefined.ts';
import type { Conflict, Difference } from './rules.ts';
import { isMark, ownerIn } from './mark.ts';

/** The desired state of one link, common to all kinds. */
export type WantedLink = {
  slot: Slot;
  name: string;
  mark: string;
  link: LinkKind;
  /** Absent: not managed. */
  mtu?: number;
  /** Absent: the kernel chooses one when the link is made. */
  mac?: string;
  farMac?: string;
  up: boolean;
  addresses: readonly Address[];
};

export const noDifference = (): Difference => ({ drift: [], operations: [], waiting: [], conflict: null });

/** Creates the link with all its settings. A kind with further settings (WireGuard) brings the link up itself. */
export function create(want: WantedLink): KernelOperation[] {
  return [
    {
      type: 'CreateLink',
      slot: want.slot,
      name: want.name,
      mark: want.mark,
      up: want.up,
      link: want.link,
      ...withoutUndefined({ mtu: want.mtu, mac: want.mac, farMac: want.farMac }),
    },
    ...want.addresses.map((address) => addAddress(want, address)),
  ];
}

export const addAddress = (want: Pick<WantedLink, 'slot' | 'name'>, address: Address): KernelOperation => ({
  type: 'AddAddress',
  slot: want.slot,
  name: want.name,
  address,
});

/**
 * Who owns a link that has our name or mark. `ours`: it may be changed and removed; `free`: same kind and no mark,
 * so it is adopted; `foreign`: nothing may be touched.
 */
export function ownership(want: WantedLink, found: ObservedLink): 'ours' | 'free' | 'foreign' {
  if (found.alias === want.mark) return 'ours';
  if (isMark(found.alias) || found.kind !== want.link.kind) return 'foreign';
  return 'free';
}

/** The conflict with a foreign link. */
export const conflictWith = ({ name, kind, alias }: ObservedLink): Conflict => ({
  reason: 'NameConflict',
  params: { name, kind, owner: isMark(alias) ? ownerIn(alias) : null },
});

/** Removes a link with our mark. `anew`: the fields that require recreating it. */
export const remove = (slot: Slot, found: ObservedLink, mark: string, anew?: readonly string[]): KernelOperation => ({
  type: 'RemoveLink',
  slot,
  name: found.name,
  index: found.index,
  mark,
  ...withoutUndefined({ anew }),
});

/**
 * The difference of one link that may be absent.
 * @param more what only this kind has: called for a link that is ours (or becomes so) and of the right kind
 */
export function diffLink(
  want: WantedLink,
  found: ObservedLink | null | undefined,
  more: (found: ObservedLink) => Difference = noDifference,
): Difference {
  const result = noDifference();
  if (!found) {
    result.drift.push({ field: 'link', wanted: want.name, found: null });
    result.operations.push(...create(want));
    return result;
  }
  const owner = ownership(want, found);
  if (owner === 'foreign') return { ...result, conflict: conflictWith(found) };
  if (found.kind !== want.link.kind) {
    result.drift.push({ field: 'kind', wanted: want.link.kind, found: found.kind });
    result.operations.push(remove(want.slot, found, want.mark, ['kind']), ...create(want));
    return result;
  }
  if (owner === 'free') {
    result.drift.push({ field: 'alias', wanted: want.mark, found: found.alias });
    result.operations.push({
      type: 'AdoptLink',
      slot: want.slot,
      name: found.name,
      index: found.index,
      mark: want.mark,
    });
  }
  const attributes = diffAttributes(want, found);
  const special = more(found);
  return {
    drift: [...result.drift, ...attributes.drift, ...special.drift],
    operations: [...result.operations, ...attributes.operations, ...special.operations],
    waiting: special.waiting,
    conflict: special.conflict,
  };
}

/** Name, mtu, address generation, admin state and addresses of a link that is there. */
export function diffAttributes(want: WantedLink, found: ObservedLink): Pick<Difference, 'drift' | 'operations'> {
  const drift: Drift[] = [];
  const operations: KernelOperation[] = [];
  const { slot, name } = want;
  if (found.name !== name) {
    drift.push({ field: 'name', wanted: name, found: found.name });
    // Most drivers in the kernel refuse to rename a link that is up.
    if (found.up) operations.push({ type: 'ChangeLink', slot, name: found.name, change: { up: false } });
    operations.push({ type: 'ChangeLink', slot, name: found.name, change: { name } });
    if (found.up && want.up) operations.push({ type: 'ChangeLink', slot, name, change: { up: true } });
  }
  const change: { up?: boolean; mtu?: number; addrGenMode?: 'none' } = {};
  if (want.mtu !== undefined && found.mtu !== want.mtu) {
    drift.push({ field: 'mtu', wanted: want.mtu, found: found.mtu });
    change.mtu = want.mtu;
  }
  if (found.addrGenMode !== null && found.addrGenMode !== 'none') {
    drift.push({ field: 'addrgenmode', wanted: 'none', found: found.addrGenMode });
    change.addrGenMode = 'none';
  }
  if (found.up !== want.up) {
    drift.push({ field: 'up', wanted: want.up, found: found.up });
    change.up = want.up;
  }
  if (Object.keys(change).length > 0) operations.push({ type: 'ChangeLink', slot, name, change });
  const addresses = diffAddresses(want, found.addresses);
  return { drift: [...drift, ...addresses.drift], operations: [...operations, ...addresses.operations] };
}

/** The list is exhaustive. Removals come first: the kernel treats two addresses that differ only in their prefix as one. */
function diffAddresses(want: WantedLink, found: readonly Address[]): Pick<Difference, 'drift' | 'operations'> {
  const drift: Drift[] = [];
  const operations: KernelOperation[] = [];
  // Two addresses that print alike are equal in every field.
  const wanted = new Set(want.addresses.map(printAddress));
  const there = new Set(found.map(printAddress));
  for (const address of found) {
    if (wanted.has(printAddress(address))) continue;
    drift.push({ field: 'addresses', wanted: null, found: printAddress(address) });
    operations.push({ type: 'RemoveAddress', slot: want.slot, name: want.name, address });
  }
  for (const address of want.addresses) {
    if (there.has(printAddress(address))) continue;
    drift.push({ field: 'addresses', wanted: printAddress(address), found: null });
    operations.push(addAddress(want, address));
  }
  return { drift, operations };
}
