import type { Link, Netns } from '../netlink/index.ts';

/** Finds links by what the cache of a netns has no key for; kept up to date by its notifications. */
export type Lookup = {
  /** The link with this ifalias; of several, the one that came last. */
  marked(alias: string): Link | undefined;
  /** Names of the links enslaved to this one, sorted. */
  slaves(index: number): string[];
};

const lookups = new WeakMap<Netns, Lookup>();

export function lookup(netns: Netns): Lookup {
  const known = lookups.get(netns);
  if (known) return known;
  const byAlias = new Map<string, number>();
  const byMaster = new Map<number, Set<number>>();
  const seen = new Map<number, { alias: string | null; master: number | null }>();
  const drop = (index: number): void => {
    const old = seen.get(index);
    if (!old) return;
    if (old.alias !== null && byAlias.get(old.alias) === index) byAlias.delete(old.alias);
    if (old.master !== null) byMaster.get(old.master)?.delete(index);
    seen.delete(index);
  };
  const add = (link: Link): void => {
    drop(link.index);
    seen.set(link.index, { alias: link.alias, master: link.master });
    if (link.alias !== null) byAlias.set(link.alias, link.index);
    if (link.master === null) return;
    const slaves = byMaster.get(link.master);
    if (slaves) slaves.add(link.index);
    else byMaster.set(link.master, new Set([link.index]));
  };
  for (const link of netns.links()) add(link);
  netns.subscribe((change) => {
    if (change.type === 'linkRemoved') drop(change.index);
    else if (change.type === 'link') {
      const link = netns.linkAt(change.index);
      if (link) add(link);
    }
  });
  const result: Lookup = {
    marked(alias) {
      const index = byAlias.get(alias);
      return index === undefined ? undefined : netns.linkAt(index);
    },
    slaves: (index) =>
      [...(byMaster.get(index) ?? [])].flatMap((slave) => netns.linkAt(slave)?.name ?? []).toSorted(),
  };
  lookups.set(netns, result);
  return result;
}
