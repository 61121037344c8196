import { API_VERSION } from '@ifactor/crds';
import type { NodeEntry } from '@ifactor/crds';
import { createLog } from '@ifactor/common';
import type { KubeObject, Metadata } from '../kube/object.ts';
import { createCurve } from '@nats-io/nkeys';

/** A log without output, unless DEBUG is set. */
export const quiet = createLog('bridge', 'debug', process.env['DEBUG'] ? undefined : () => {});

export function wireguard(
  name: string,
  spec: Record<string, unknown> = {},
  metadata: Partial<Metadata> = {},
): KubeObject {
  return made('WireGuardInterface', name, { node: 'lax1', interfaceName: name, ...spec }, metadata);
}

export function made(
  kind: string,
  name: string,
  spec: Record<string, unknown>,
  metadata: Partial<Metadata> = {},
): KubeObject {
  return {
    apiVersion: API_VERSION,
    kind,
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-${name}`,
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...metadata,
    },
    spec,
  };
}

export function secret(
  name: string,
  data: Record<string, Buffer | string>,
  namespace = 'default',
  resourceVersion = '7',
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace,
      uid: `uid-secret-${name}`,
      resourceVersion,
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])),
  };
}

/** An agent's entry, with the curve key pair that opens what is sealed to it. */
export function registered(node: string): { entry: NodeEntry; open: (sealed: string, sender: string) => string } {
  const pair = createCurve();
  const entry: NodeEntry = {
    node,
    hostname: `${node}.example`,
    version: '0.1.0',
    machine: 1,
    sealKey: pair.getPublicKey(),
    journal: `journal-${node}`,
    instance: `instance-${node}`,
    time: new Date().toISOString(),
  };
  const open = (sealed: string, sender: string): string => {
    const opened = pair.open(Buffer.from(sealed, 'base64'), sender);
    if (opened === null) throw new Error('cannot be opened');
    return new TextDecoder().decode(opened);
  };
  return { entry, open };
}
