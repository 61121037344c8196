import type { InterfaceSpec } from '@ifactor/crds';

type SecretRef = { name: string; key: string; namespace?: string | undefined };

/** The Secret that a ref of the spec leads to: `Secret default/keys`, key included. */
function referred(ref: string, spec: InterfaceSpec | null): SecretRef | undefined {
  if (spec === null || !('peers' in spec)) return undefined;
  if (ref === 'privateKey') return spec.privateKeySecretRef;
  return spec.peers.find(({ publicKey }) => ref === `psk:${publicKey}`)?.presharedKeySecretRef;
}

/** A ref in words: the private key, or the preshared key of a peer. */
export const refWords = (ref: string): string =>
  ref === 'privateKey'
    ? 'the private key'
    : `the preshared key of peer ${ref.slice('psk:'.length, 'psk:'.length + 8)}…`;

/** Why a secret is not at hand, and what to do. `reason`: as in SecretMissing. */
export function secretWords(reason: string, ref: string, spec: InterfaceSpec | null, namespace: string): string {
  const from = referred(ref, spec);
  const what = refWords(ref);
  const secret = from ? `Secret ${from.namespace ?? 'default'}/${from.name}` : 'its Secret';
  const key = from ? `key ${from.key}` : 'its key';
  switch (reason) {
    case 'SecretNotFound':
      return `${secret} not found: create it with the ${key}, which is ${what}`;
    case 'KeyNotFound':
      return `${secret} has no ${key}, which is ${what}: add it`;
    case 'Malformed':
      return from
        ? `${key} of ${secret} is neither 32 raw bytes nor 44 characters of base64`
        : `${what} must be 32 bytes in base64 (44 characters)`;
    case 'CrossNamespaceReference':
      return `${secret} is in another namespace than the object: put it into ${namespace} and write namespace: ${namespace} in the reference`;
    case 'Forbidden':
      return 'the bridge may not read Secrets: give it the role in bridge/rbac.yaml';
    case 'NodeKeyUnknown':
      return `no agent of node ${spec?.node ?? 'of the spec'} has registered, so ${what} cannot be sealed: start ifactor-agent --node ${spec?.node ?? ''}`;
    case 'NotDelivered':
      return `${what} has not come from the bridge; it follows the object`;
    case 'CannotOpen':
      return `${what} is not sealed to this node's key; the bridge seals it again`;
    case 'StateFolder':
      return `${what} cannot be kept in the agent's state folder: see the agent's log`;
    default:
      return `${what} is not at hand (${reason}); ifactor events says more`;
  }
}
