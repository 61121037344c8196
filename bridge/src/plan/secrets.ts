import { WireGuardNetworkPlanSpecSchema } from '@ifactor/crds';
import type { PlanNode, SecretRef, WireGuardNetworkPlanSpec } from '@ifactor/crds';
import { openSecret, wireguardKey } from '../desired/secret.ts';
import type { SecretLookup } from '../desired/secret.ts';
import type { KubeObject } from '../kube/object.ts';
import { labelValue, ownerOf } from './child.ts';
import type { Parent } from './child.ts';
import { publicKeyOf } from '@ifactor/common/wireguardKey';
import type { Problem } from './links.ts';
import type { GivenKey } from './plan.ts';

/** A Secret that the plan owns, which replaces an inline private key. `data` is base64, as in the API. */
export type OwnedSecret = {
  metadata: { name: string; namespace: string; ownerReferences: ReturnType<typeof ownerOf>[] };
  data: { privateKey: string };
};

const field = 'privateKey';

/** Known keys of a plan's nodes, and the Secrets that it must own so that no child contains a key. Pure. */
export function givenKeys(
  parent: Parent,
  spec: WireGuardNetworkPlanSpec,
  secrets: SecretLookup,
): { given: Map<string, GivenKey>; owned: OwnedSecret[]; problems: Problem[] } {
  const given = new Map<string, GivenKey>();
  const owned: OwnedSecret[] = [];
  const problems: Problem[] = [];
  for (const node of spec.nodes) {
    const inline = node.privateKey === undefined ? undefined : wireguardKey(Buffer.from(node.privateKey));
    if (inline !== undefined) {
      const secret = ownedSecret(parent, node, inline);
      owned.push(secret);
      given.set(node.nodeName, { ref: { ...refOf(secret) }, publicKey: publicKeyOf(inline) });
    } else if (node.privateKeyRef !== undefined) {
      const found = openSecret({ ref: field, from: node.privateKeyRef }, parent.namespace, secrets);
      given.set(node.nodeName, {
        ref: node.privateKeyRef,
        publicKey: 'key' in found ? publicKeyOf(found.key) : undefined,
      });
      if (!('key' in found))
        problems.push({ link: `node ${node.nodeName}`, reason: found.reason, message: found.message });
    }
  }
  return { given, owned, problems };
}

function ownedSecret(parent: Parent, { nodeName }: PlanNode, key: string): OwnedSecret {
  return {
    metadata: {
      name: secretName(parent.name, nodeName),
      namespace: parent.namespace,
      ownerReferences: [ownerOf(parent)],
    },
    data: { privateKey: Buffer.from(key).toString('base64') },
  };
}

function secretName(plan: string, node: string): string {
  return labelValue(`${plan}.${node}.wireguard-key`);
}

function refOf({ metadata }: OwnedSecret): SecretRef {
  return { name: metadata.name, namespace: metadata.namespace, key: field };
}

/** Keys (`namespace/name`) of the Secrets that a plan references. */
export function planSecrets(plan: KubeObject): string[] {
  const { data: spec } = WireGuardNetworkPlanSpecSchema.safeParse(plan.spec ?? {});
  return (spec?.nodes ?? []).flatMap(({ privateKeyRef: ref }) =>
    ref === undefined ? [] : [`${ref.namespace}/${ref.name}`],
  );
}

/** Whether a plan reads Secrets, or owns some for its inline keys. */
export function usesSecrets(plan: KubeObject): boolean {
  const { data: spec } = WireGuardNetworkPlanSpecSchema.safeParse(plan.spec ?? {});
  return (spec?.nodes ?? []).some(
    ({ privateKey, privateKeyRef }) => privateKey !== undefined || privateKeyRef !== undefined,
  );
}
