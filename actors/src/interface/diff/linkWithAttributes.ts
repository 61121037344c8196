import { isDeepStrictEqual } from 'node:util';
import type { AttributedLink, KindAttributes, NetlinkInterfaceSpec } from '@ifactor/crds';
import { hasDevice } from './rules.ts';
import type { Difference, KindRules } from './rules.ts';
import { conflictWith, create, diffLink, noDifference, ownership, remove } from './link.ts';
import { singleLink, wantedLink } from './singleLink.ts';

type Kind<K extends keyof KindAttributes> = {
  /** The attributes that a spec asks for, in the shape they are observed in. */
  attributes: (spec: NetlinkInterfaceSpec) => KindAttributes[K];
  /** Whether the kernel makes this change of a link that is there. Absent: never; a change of any attribute recreates the link. */
  changes?: (found: KindAttributes[K], wanted: KindAttributes[K]) => boolean;
  /** Whether a recreated link keeps its MAC address. Absent: the kind has no MAC address of its own. */
  hasMac?: (spec: NetlinkInterfaceSpec) => boolean;
};

/** What a spec says in the section of its kind. */
export function section<K extends keyof KindAttributes>(
  spec: NetlinkInterfaceSpec,
  kind: K,
): NonNullable<NetlinkInterfaceSpec[K]> {
  const found = spec[kind];
  if (found === undefined) throw new TypeError(`a ${kind} without spec.${kind} has passed its schema`);
  return found;
}

/** A kind that is one link with attributes of its own, possibly above another device, which it waits for. */
export function linkWithAttributes<K extends keyof KindAttributes>(
  kind: K,
  { attributes, changes, hasMac }: Kind<K>,
): KindRules<NetlinkInterfaceSpec> {
  const deviceOf = (wanted: KindAttributes[K]): string | null => ('dev' in wanted ? wanted.dev : null);
  return {
    ...singleLink,
    devices(spec) {
      const dev = deviceOf(attributes(spec));
      return dev === null ? [] : [dev];
    },
    attributes: (spec) => ({ [kind]: attributes(spec) }),
    diff(spec, known, observed) {
      const wanted = attributes(spec);
      const link = { kind, [kind]: wanted } as unknown as AttributedLink;
      const want = wantedLink(spec, hasMac?.(spec) ? known : { key: known.key }, link);
      const found = observed.links.target;
      const dev = deviceOf(wanted);
      if (dev !== null && !hasDevice(observed, dev)) {
        if (found && ownership(want, found) === 'foreign') return { ...noDifference(), conflict: conflictWith(found) };
        return { ...noDifference(), waiting: [{ reason: 'DeviceMissing', params: { device: dev, kind } }] };
      }
      const shown: Partial<KindAttributes> = found ?? {};
      const special = shown[kind];
      if (!found || special === undefined || isDeepStrictEqual(special, wanted)) return diffLink(want, found);
      if (changes?.(special, wanted)) return diffLink(want, found, () => changed(want.name, link, special, wanted));
      if (ownership(want, found) === 'foreign') return { ...noDifference(), conflict: conflictWith(found) };
      const drift = driftOf(kind, special, wanted);
      const fields = drift.map(({ field }) => field);
      return { ...noDifference(), drift, operations: [remove(want.slot, found, want.mark, fields), ...create(want)] };
    },
  };
}

const changed = <K extends keyof KindAttributes>(
  name: string,
  link: AttributedLink,
  found: KindAttributes[K],
  wanted: KindAttributes[K],
): Difference => ({
  ...noDifference(),
  drift: driftOf(link.kind, found, wanted),
  operations: [{ type: 'ChangeLink', slot: 'target', name, change: { link } }],
});

function driftOf<A extends object>(kind: string, found: A, wanted: A): Difference['drift'] {
  return (Object.keys(wanted) as (keyof A & string)[])
    .filter((field) => !isDeepStrictEqual(found[field], wanted[field]))
    .map((field) => ({ field: `${kind}.${field}`, wanted: wanted[field], found: found[field] }));
}
