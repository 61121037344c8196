import { isRecord } from '@ifactor/common/json';
import { answered } from '../kube/error.ts';
import type { KubeObject } from '../kube/object.ts';
import type { KubeApi } from '../kube/port.ts';
import { resources } from '../kube/resource.ts';

/** Name of the Secret, in the namespace of the Lease, with the seal key of each node: public keys, which only Kubernetes may change. */
export const sealKeysSecret = 'ifactor-seal-keys';

/** To which key the secrets of each node are sealed: the first one that its agent showed, whatever NATS says later. */
export type SealKeys = {
  /**
   * The key accepted of a node; the given one is accepted if the node has no other.
   * @throws as KubeApi; Error if another bridge writes all the time
   */
  accept(node: string, key: string): Promise<string>;
  /** Reads the Secret again with the next call. */
  reread(): void;
  /** The Secret changed. Returns whether a key that was accepted is not there any more, so that it is read again. */
  changed(secret: KubeObject | undefined): boolean;
};

const tries = 5;

export function createSealKeys(api: Pick<KubeApi, 'get' | 'create' | 'replace'>, namespace: string): SealKeys {
  let known: ReadonlyMap<string, string> | undefined;
  const waiting = new Map<string, string>();
  let storing: Promise<void> | undefined;

  /** Stores all that wait in one write. */
  async function store(): Promise<void> {
    for (let attempt = 0; attempt < tries; attempt++) {
      const found = await api.get(resources.secrets, { namespace, name: sealKeysSecret });
      const keys = keysOf(found);
      const fresh = [...waiting].filter(([node]) => !keys.has(node));
      for (const [node, key] of fresh) keys.set(node, key);
      try {
        if (fresh.length > 0) await write(found, keys);
        known = keys;
        for (const [node] of fresh) waiting.delete(node);
        return;
      } catch (error) {
        if (!answered(error, 409)) throw error;
      }
    }
    throw new Error(`Secret ${namespace}/${sealKeysSecret} changes all the time: do several bridges lead?`);
  }

  function write(found: KubeObject | undefined, keys: ReadonlyMap<string, string>): Promise<unknown> {
    const data = Object.fromEntries([...keys].map(([node, key]) => [node, Buffer.from(key).toString('base64')]));
    return found === undefined
      ? api.create(resources.secrets, { metadata: { name: sealKeysSecret, namespace }, data })
      : api.replace(resources.secrets, { metadata: found.metadata, data });
  }

  return {
    async accept(node, key) {
      for (;;) {
        const accepted = known?.get(node);
        if (accepted !== undefined) return accepted;
        waiting.set(node, key);
        storing ??= store().finally(() => (storing = undefined));
        await storing;
      }
    },
    reread() {
      known = undefined;
    },
    changed(secret) {
      const keys = keysOf(secret);
      if (known === undefined || [...known].every(([node, key]) => keys.get(node) === key)) return false;
      known = undefined;
      return true;
    },
  };
}

/**
 * Forgets the accepted key of a node, so that the one that its agent shows next is accepted.
 * @returns false if none was accepted
 */
export async function forgetSealKey(
  api: Pick<KubeApi, 'get' | 'replace'>,
  namespace: string,
  node: string,
): Promise<boolean> {
  const found = await api.get(resources.secrets, { namespace, name: sealKeysSecret });
  if (found === undefined || !keysOf(found).has(node)) return false;
  const { [node]: _, ...data } = found['data'] as Record<string, string>;
  await api.replace(resources.secrets, { metadata: found.metadata, data });
  return true;
}

function keysOf(secret: KubeObject | undefined): Map<string, string> {
  const data = secret?.['data'];
  if (!isRecord(data)) return new Map();
  return new Map(Object.entries(data).map(([node, text]) => [node, Buffer.from(String(text), 'base64').toString()]));
}

/** What a node with another seal key means, and what to do. */
export const changedKeyWords = (node: string, shown: string, accepted: string): string =>
  `node ${node} shows the seal key ${shown}, but ${accepted} was accepted first: its secrets stay sealed to that one; ` +
  `if the node has a new state folder, run ifactor node rekey ${node}, else check who may write to ifactor_nodes`;
