import { kinds } from '@ifactor/crds';
import type { InterfaceKindName, Key, Place } from '@ifactor/crds';

/** The two kinds that agents apply, by their token in subjects. */
export const interfaceKinds = [kinds.WireGuardInterface, kinds.NetlinkInterface] as const;

/** A declared interface as one string: `kind/namespace/name`, the key used in queues and indexes. */
export function spell({ kind, namespace, name }: Key): string {
  return `${kind}/${namespace}/${name}`;
}

/** Parses what `spell` wrote. */
export function unspell(text: string): Key {
  const [kind = '', namespace = '', name = ''] = text.split('/');
  return { kind, namespace, name };
}

export function kindOf(token: string): InterfaceKindName | undefined {
  return interfaceKinds.find((kind) => kind.token === token)?.kind;
}

/** The same without the node. */
export function withoutNode({ kind, namespace, name }: Place): Key {
  return { kind, namespace, name };
}
