import { API_VERSION, WireGuardInterfaceSpecSchema } from '@ifactor/crds';
import type { InterfaceAddress, SecretRef, WireGuardInterfaceSpec, WireGuardNetworkPlanSpec } from '@ifactor/crds';
import { createHash } from 'node:crypto';
import { canonical, digest } from '@ifactor/common/json';
import type { OwnerReference } from '../kube/object.ts';
import type { Allocation } from './allocate.ts';
import { fullName } from './allocate.ts';
import type { Direction } from './links.ts';

/** A WireGuardInterface as planned. */
export type Child = {
  apiVersion: string;
  kind: 'WireGuardInterface';
  metadata: {
    name: string;
    namespace: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
    ownerReferences: OwnerReference[];
  };
  spec: WireGuardInterfaceSpec;
};

export type Parent = { name: string; namespace: string; uid: string; generation: number };

const prefix = 'networkplan.networking.dn42.io';
const controlledByLabel = `${prefix}/is-controlled-by`;
const everywhere = ['0.0.0.0/0', '::/0'];
/** Keepalive interval that keeps a NAT mapping open. */
const keepalive = 25;

/**
 * @param far what was allocated to the far end's interface
 * @param farKey its public key; until it is known the child has no peer
 * @param keyRef Secret with the near end's private key, if the plan has one
 * @param plan settings of the plan that apply to all its interfaces
 */
export function childOf(
  parent: Parent,
  { from, to, end }: Direction,
  near: Allocation,
  far: Allocation,
  farKey: string | undefined,
  keyRef: SecretRef | undefined,
  plan: Pick<WireGuardNetworkPlanSpec, 'confirm' | 'mode'>,
): Child {
  const whole = fullName(near.fromNode, near.toNode, near.index);
  const spec = WireGuardInterfaceSpecSchema.parse({
    node: from.nodeName,
    interfaceName: near.name,
    moveToContainer: from.moveToContainer,
    ...(from.container !== undefined && { container: from.container }),
    addresses: addressesOf(end.overrideAddresses ? end.addresses : [...from.addresses, ...end.addresses]),
    ...(near.listenPort !== undefined && { listenPort: near.listenPort }),
    mtu: from.mtu,
    ...(keyRef !== undefined && { privateKeySecretRef: keyRef }),
    peers:
      farKey === undefined
        ? []
        : [
            {
              publicKey: farKey,
              allowedIPs: everywhere,
              ...(to.underlay !== undefined &&
                far.listenPort !== undefined && { endpoint: endpoint(to.underlay.hostname, far.listenPort) }),
              ...(from.underlay === undefined && { persistentKeepalive: keepalive }),
            },
          ],
    ...(plan.mode !== undefined && { mode: plan.mode }),
    ...(plan.confirm !== undefined && { confirm: plan.confirm }),
  });
  return {
    apiVersion: API_VERSION,
    kind: 'WireGuardInterface',
    metadata: {
      name: near.name,
      namespace: parent.namespace,
      labels: {
        [`${prefix}/resource-id`]: labelValue(whole.slice('wg-'.length)),
        [`${prefix}/config-hash`]: digest(spec),
        [controlledByLabel]: labelValue(parent.name),
      },
      annotations: {
        [`${prefix}/parent-observed-generation`]: String(parent.generation),
        ...(near.name !== whole && { [`${prefix}/full-name`]: whole }),
      },
      ownerReferences: [ownerOf(parent)],
    },
    spec,
  };
}

export function ownerOf({ name, uid }: Parent): OwnerReference {
  return {
    apiVersion: API_VERSION,
    kind: 'WireGuardNetworkPlan',
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** `host:port`, an IPv6 address in brackets. */
function endpoint(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A label value has at most 63 characters: a longer one ends in a hash of the whole value. */
export function labelValue(text: string): string {
  if (text.length <= 63) return text;
  return `${text.slice(0, 46)}-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}

function addressesOf(all: readonly InterfaceAddress[]): InterfaceAddress[] {
  return [...new Map(all.map((address) => [canonical(address), address])).values()];
}
