import type { Link, Netns } from '../kernel/index.ts';

/** Indexes that the cache of a netns lacks; updated by its notifications. */
export type LinkIndex = {
  /** The link with this ifalias; of several, the one that came last. Loopback and hardware links, which no program created, have no mark. */
  marked(alias: string): Link | undefined;
  /** Names of the links enslaved to this one, sorted. */
  slaves(index: number): string[];
};

const indexes = new WeakMap<Netns, LinkIndex>();

export function linkIndexOf(netns: Netns): LinkIndex {
  const known = indexes.get(netns);
  if (known) return known;
  // Links without an alias or a master are kept like the others.
  const byAlias = new Map<string | null, number>();
  const byMaster = new Map<number | null, Map<number, string>>();
  const seen = new Map<number, Pick<Link, 'alias' | 'master'>>();
  const drop = (index: number): void => {
    const old = seen.get(index);
    if (!old) return;
    if (byAlias.get(old.alias) === index) byAlias.delete(old.alias);
    byMaster.get(old.master)!.delete(index);
    seen.delete(index);
  };
  const add = ({ index, name, kind, alias: written, master }: Link): void => {
    drop(index);
    const alias = kind === '' ? null : written;
    seen.set(index, { alias, master });
    byAlias.set(alias, index);
    const slaves = byMaster.get(master);
    if (slaves) slaves.set(index, name);
    else byMaster.set(master, new Map([[index, name]]));
  };
  for (const link of netns.links()) add(link);
  netns.subscribe((change) => {
    if (!('index' in change)) return;
    const link = netns.linkAt(change.index);
    if (link) add(link);
    else drop(change.index);
  });
  const result: LinkIndex = {
    marked(alias) {
      return netns.linkAt(byAlias.get(alias) ?? 0);
    },
    slaves: (index) => [...(byMaster.get(index)?.values() ?? [])].toSorted(),
  };
  indexes.set(netns, result);
  return result;
}
