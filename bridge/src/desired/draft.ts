import type { Desired, MissingSecret, NodeEntry, SecretParams } from '@ifactor/crds';
import { missingSecretWords } from '@ifactor/crds/words';
import { digest, isRecord, without } from '@ifactor/common/json';
import type { KubeObject } from '../kube/object.ts';
import { openSecret, wireguardKey } from './secret.ts';
import type { OpenSecret, SecretLookup, WantedSecret } from './secret.ts';

/** A `Desired` before its secrets are sealed; `content` is equal for equal specs and secrets, whatever the ciphertext. */
export type Draft = {
  desired: Omit<Desired, 'secrets'>;
  open: OpenSecret[];
  sealKey: string | undefined;
  content: string;
};

/**
 * The message to publish for an object. Pure. The spec is passed on unchanged, even if malformed (the agent reports a
 * condition for that), except the private key, which is removed from the spec and sealed.
 */
export function draft(object: KubeObject, secrets: SecretLookup, node: NodeEntry | undefined): Draft {
  const { metadata } = object;
  const namespace = metadata.namespace ?? '';
  const { privateKey, ...spec } = isRecord(object.spec) ? object.spec : {};
  const open: OpenSecret[] = [];
  const missing: MissingSecret[] = [];
  if (privateKey !== undefined) {
    const key = typeof privateKey === 'string' ? wireguardKey(Buffer.from(privateKey)) : undefined;
    if (key === undefined) {
      missing.push(notAvailable('privateKey', 'Malformed', {}));
    } else open.push({ ref: 'privateKey', version: `${metadata.uid}@${metadata.generation ?? 0}`, key });
  }
  for (const wanted of wantedSecrets(spec, privateKey === undefined)) {
    const found = openSecret(wanted, namespace, secrets);
    if ('key' in found) open.push(found);
    else missing.push(found);
  }
  if (node === undefined) {
    for (const { ref } of open.splice(0)) {
      missing.push(notAvailable(ref, 'NodeKeyUnknown', { node: String(spec['node']) }));
    }
  }
  const desired: Omit<Desired, 'secrets'> = {
    apiVersion: object.apiVersion,
    kind: object.kind,
    namespace,
    name: metadata.name,
    uid: metadata.uid,
    generation: metadata.generation ?? 0,
    resourceVersion: metadata.resourceVersion,
    creationTimestamp: metadata.creationTimestamp,
    ...(metadata.deletionTimestamp !== undefined && { deletionTimestamp: metadata.deletionTimestamp }),
    spec,
    missing,
  };
  const sealKey = open.length > 0 ? node?.sealKey : undefined;
  const content = digest({
    ...without(desired, 'resourceVersion'),
    sealKey,
    versions: open.map(({ ref, version }) => [ref, version]),
  });
  return { desired, open, sealKey, content };
}

/** The tombstone of an object that is gone from the API. */
export function tombstone(last: Desired): Draft {
  const desired = { ...without(last, 'secrets'), deleted: true, spec: {}, missing: [] };
  return { desired, open: [], sealKey: undefined, content: digest({ uid: last.uid, deleted: true }) };
}

const notAvailable = (ref: string, reason: string, params: SecretParams): MissingSecret => ({
  ref,
  reason,
  message: missingSecretWords(reason, ref, params),
});

function wantedSecrets(spec: Record<string, unknown>, ownKey: boolean): WantedSecret[] {
  const wanted: WantedSecret[] = [];
  const { privateKeySecretRef, peers } = spec;
  if (ownKey && privateKeySecretRef !== undefined) wanted.push({ ref: 'privateKey', from: privateKeySecretRef });
  for (const peer of Array.isArray(peers) ? (peers as unknown[]) : []) {
    if (!isRecord(peer) || peer['presharedKeySecretRef'] === undefined) continue;
    wanted.push({ ref: `psk:${String(peer['publicKey'])}`, from: peer['presharedKeySecretRef'] });
  }
  return wanted;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Keys (`namespace/name`) of the Secrets that an object references, so that a change of one finds the objects that use it. */
export function secretsOf(object: KubeObject): string[] {
  const spec = isRecord(object.spec) ? object.spec : {};
  return wantedSecrets(spec, true).flatMap(({ from }) =>
    isRecord(from) && typeof from['name'] === 'string'
      ? [`${textOf(from['namespace'] ?? 'default')}/${from['name']}`]
      : [],
  );
}
