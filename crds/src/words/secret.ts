import type { InterfaceSpec, SecretParams } from '../message/event.ts';
import { peerText } from './value.ts';

/** Text of a ref: the private key, or the preshared key of a peer. */
export const secretText = (ref: string): string =>
  ref === 'privateKey' ? 'the private key' : `the preshared key of ${peerText(ref.slice('psk:'.length))}`;

/** Where the spec expects a secret, and for which object. */
export function secretParams(ref: string, spec: InterfaceSpec | null, namespace: string): SecretParams {
  const params = { namespace, ...(spec === null ? {} : { node: spec.node }) };
  if (spec === null || !('peers' in spec)) return params;
  const from =
    ref === 'privateKey'
      ? spec.privateKeySecretRef
      : spec.peers.find(({ publicKey }) => ref === `psk:${publicKey}`)?.presharedKeySecretRef;
  if (!from) return params;
  return { ...params, secret: { namespace: from.namespace ?? 'default', name: from.name, key: from.key } };
}

/** Why a secret is not available, and what to do. `reason`: as in SecretMissing. */
export function missingSecretWords(
  reason: string,
  ref: string,
  { secret: from, namespace = "the object's namespace", node, cause }: SecretParams = {},
): string {
  const what = secretText(ref);
  const secret = from ? `Secret ${from.namespace}/${from.name}` : `the Secret of ${what}`;
  const key = from ? `key ${from.key}` : 'key';
  switch (reason) {
    case 'SecretNotFound':
      return `${secret} not found: create it with the ${key}, which is ${what}`;
    case 'KeyNotFound':
      return `${secret} has no ${key}, which is ${what}: add it`;
    case 'Malformed':
      return from
        ? `${key} of ${secret} is neither 32 raw bytes nor 44 characters of base64`
        : `${cause ?? what} must be 32 bytes in base64 (44 characters)`;
    case 'CrossNamespaceReference':
      return `${secret} is in another namespace than the object: put it into ${namespace} and write namespace: ${namespace} in the reference`;
    case 'Forbidden':
      return 'the bridge cannot read Secrets: give it the role in bridge/rbac.yaml';
    case 'NodeKeyUnknown':
      return `no agent of node ${node ?? 'the spec'} has registered, so ${what} cannot be sealed: start ifactor-agent --node ${node ?? 'NAME'}`;
    case 'NotDelivered':
      return `${what} has not arrived from the bridge; see the Ready condition of the object and the bridge's log`;
    case 'CannotOpen':
      return `${what} is not sealed to this node's key; the bridge seals it again once it has seen that key`;
    case 'StateFolder':
      return `${what} cannot be stored in the agent's state folder${cause === undefined ? "; see the agent's log" : `: ${cause}`}`;
    default:
      return `${what} is not available (${reason}); see ifactor events`;
  }
}
