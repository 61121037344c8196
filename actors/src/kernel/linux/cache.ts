/** What is known of one netns: a fold of the kernel's notifications. Used by the kernel's netns and by the one in memory. */
import type { KernelAddress, Link, NetnsChange } from '../kernel.ts';

/** A fact about a netns, in the kernel's order. */
export type Notification =
  | { type: 'newLink'; link: Link }
  | { type: 'delLink'; index: number }
  | { type: 'newAddress' | 'delAddress'; index: number; address: KernelAddress };

type Entry = { link: Link; addresses: KernelAddress[] };

export class Cache {
  #entries = new Map<number, Entry>();
  #names = new Map<string, number>();

  *links(): Generator<Link> {
    for (const entry of this.#entries.values()) yield entry.link;
  }

  /** How many links there are. */
  get size(): number {
    return this.#entries.size;
  }

  link(name: string): Link | undefined {
    const index = this.#names.get(name);
    return index === undefined ? undefined : this.linkAt(index);
  }

  linkAt(index: number): Link | undefined {
    return this.#entries.get(index)?.link;
  }

  addresses(index: number): readonly KernelAddress[] {
    return this.#entries.get(index)?.addresses ?? [];
  }

  /** What changed by it; undefined where nothing did. */
  fold(notification: Notification): NetnsChange | undefined {
    if (notification.type === 'newLink') return this.#newLink(notification.link);
    if (notification.type === 'delLink') return this.#delLink(notification.index);
    return this.#address(notification);
  }

  /** Becomes `next`. Returns the differences, removals first, so that a name is free before another link gets it. */
  replace(next: Cache): NetnsChange[] {
    const previous = this.#entries;
    this.#entries = next.#entries;
    this.#names = next.#names;
    const changes: NetnsChange[] = [];
    for (const [index, { link }] of previous)
      if (!this.#entries.has(index)) changes.push({ type: 'linkRemoved', index, name: link.name });
    for (const [index, { link, addresses }] of this.#entries) {
      const old = previous.get(index);
      if (!old || !same(old.link, link)) changes.push({ type: 'link', index, name: link.name });
      if (old ? !same(old.addresses, addresses) : addresses.length > 0)
        changes.push({ type: 'addresses', index, name: link.name });
    }
    return changes;
  }

  #newLink(link: Link): NetnsChange | undefined {
    const entry = this.#entries.get(link.index);
    if (entry && same(entry.link, link)) return undefined;
    if (entry) {
      if (entry.link.name !== link.name) this.#forgetName(entry.link);
      entry.link = link;
    } else {
      this.#entries.set(link.index, { link, addresses: [] });
    }
    this.#names.set(link.name, link.index);
    return { type: 'link', index: link.index, name: link.name };
  }

  #delLink(index: number): NetnsChange | undefined {
    const entry = this.#entries.get(index);
    if (!entry) return undefined;
    this.#entries.delete(index);
    this.#forgetName(entry.link);
    return { type: 'linkRemoved', index, name: entry.link.name };
  }

  #forgetName(link: Link): void {
    if (this.#names.get(link.name) === link.index) this.#names.delete(link.name);
  }

  #address({
    type,
    index,
    address,
  }: {
    type: 'newAddress' | 'delAddress';
    index: number;
    address: KernelAddress;
  }): NetnsChange | undefined {
    const entry = this.#entries.get(index);
    if (!entry) return undefined;
    const at = entry.addresses.findIndex((known) => sameAddress(known, address));
    const known = at < 0 ? undefined : entry.addresses[at];
    if (type === 'newAddress' ? known && same(known, address) : !known) return undefined;
    // Replace the list, never change it: callers may still hold the old one.
    if (type === 'delAddress') entry.addresses = entry.addresses.toSpliced(at, 1);
    else entry.addresses = known ? entry.addresses.with(at, address) : [...entry.addresses, address];
    return { type: 'addresses', index, name: entry.link.name };
  }
}

/** Whether the kernel treats both as the same address of a link. */
export function sameAddress(a: KernelAddress, b: KernelAddress): boolean {
  if (a.family !== b.family || a.local !== b.local) return false;
  return a.family === 'inet6' || (a.prefixlen === b.prefixlen && a.peer === b.peer);
}

/** Deep equality of plain JSON. */
function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const fields = new Map(Object.entries(b));
  const entries = Object.entries(a);
  return (
    entries.length === fields.size && entries.every(([key, value]) => fields.has(key) && same(value, fields.get(key)))
  );
}
