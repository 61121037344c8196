/** A fleet at rest: its objects as an API server has them, and what its agents say of them. */
import { API_VERSION, FINALIZER, formatStatusSubject } from '@ifactor/crds';
import type { StatusMessage } from '@ifactor/crds';
import type { KubeObject } from '@ifactor/bridge';
import type { RawMessage } from './rawStream.ts';
import { bridges, desired } from './workload.ts';

const nodes = 20;
const time = '2026-01-01T00:00:00.000Z';
const addresses = bridges(30_000);

export const nodeOf = (index: number): string => `n${index % nodes}`;
export const fleetNodes: readonly string[] = Array.from({ length: nodes }, (_, node) => nodeOf(node));

const wishOf = (index: number) =>
  desired(nodeOf(index), {
    ...addresses[index % addresses.length]!,
    name: `br${Math.floor(index / nodes)}-${index % nodes}`,
  });

function statusOf(index: number): StatusMessage['status'] {
  const { name, spec } = wishOf(index);
  const list = spec['addresses'] as { ipcidr: string }[];
  return {
    state: 'configured',
    observedGeneration: 1,
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        observedGeneration: 1,
        lastTransitionTime: time,
        reason: 'Configured',
        message: `${name} is as declared`,
      },
    ],
    hostname: `${nodeOf(index)}.example`,
    nodename: nodeOf(index),
    netlink: {
      index: index + 2,
      mtu: 1400,
      flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
      operState: 'UP',
      addresses: list.map(({ ipcidr }) => ipcidr),
      netns: '4026531840',
    },
    lastEvent: { sequence: index + 1, type: 'LinkObserved', time },
  };
}

export function objectOf(index: number): KubeObject {
  const { name, uid, spec } = wishOf(index);
  return {
    apiVersion: API_VERSION,
    kind: 'NetlinkInterface',
    metadata: {
      namespace: 'default',
      name,
      uid,
      resourceVersion: String(index + 1),
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
      finalizers: [FINALIZER],
    },
    spec,
    status: statusOf(index),
  };
}

/** A status as an agent publishes it. */
export function statusMessage(index: number): RawMessage {
  const { name, uid } = wishOf(index);
  const place = { node: nodeOf(index), kind: 'netlinkinterface', namespace: 'default', name };
  const body: StatusMessage = { uid, ...place, hash: '0123456789abcdef', status: statusOf(index) };
  return { subject: formatStatusSubject(place), head: '', payload: JSON.stringify(body) };
}
