import type { Address, Key, Observed, ObservedLink } from '@ifactor/crds';
import { rulesOf } from '../interface/kind/index.ts';
import type { Difference, KindRules, Knowledge } from '../interface/kind/index.ts';

export const netlinkKey: Key = { kind: 'netlinkinterface', namespace: 'default', name: 'x1' };
export const wireguardKey: Key = { ...netlinkKey, kind: 'wireguardinterface' };

/** An actor with only its spec, and what a test adds. */
export const knowing = (key: Key, more: Partial<Knowledge> = {}): Knowledge => ({
  key,
  secrets: {},
  endpoints: {},
  unresolved: {},
  listenPort: null,
  ...more,
});

/** The rules for a spec, and the spec as its schema reads it. @throws where the schema refuses it */
export function rulesFor(key: Key, spec: object): { rules: KindRules; spec: Parameters<KindRules['diff']>[0] } {
  const found = rulesOf(key, { node: 'n1', ...spec });
  if ('problem' in found) throw new TypeError(found.problem);
  return found;
}

export function difference(
  key: Key,
  spec: object,
  observed: Partial<Observed>,
  known: Partial<Knowledge> = {},
): Difference {
  const { rules, spec: read } = rulesFor(key, spec);
  return rules.diff(read, knowing(key, known), { links: {}, strays: [], devices: {}, ...observed });
}

/** `IP/LEN` or `IP -> PEER/LEN` as the kernel shows it. */
export function address(text: string): Address {
  const [, local = '', peer, length] = /^(\S+?)(?: -> (\S+))?\/(\d+)$/.exec(text) ?? [];
  return {
    family: local.includes(':') ? 'inet6' : 'inet',
    local,
    peer: peer ?? null,
    prefixlen: Number(length),
    noPrefixRoute: false,
  };
}

/** A link that is up, bears no mark, and has nothing. */
export const shown = (link: Partial<ObservedLink> & Pick<ObservedLink, 'name' | 'kind'>): ObservedLink => ({
  index: 7,
  up: true,
  mtu: 1500,
  alias: null,
  addrGenMode: 'none',
  addresses: [],
  ...link,
});
