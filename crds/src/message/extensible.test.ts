import { describe, expect, it } from 'vitest';
import { customResourceDefinition } from '../manifest/crd.ts';
import { DesiredSchema } from './desired.ts';
import { NodeEntrySchema, StatusMessageSchema } from './status.ts';

const later = { mood: 'fine', deep: [{ mood: 'fine' }] };

describe('what a later version adds', () => {
  it('to a desired object is kept', () => {
    const message = {
      ...later,
      apiVersion: 'v1',
      kind: 'K',
      namespace: 'd',
      name: 'n',
      uid: 'u',
      generation: 1,
      resourceVersion: '1',
      creationTimestamp: '',
      spec: later,
      secrets: [{ ref: 'r', version: '1', sender: 's', sealed: 'AA==', ...later }],
      missing: [{ ref: 'r', reason: 'R', message: 'm', ...later }],
    };
    expect(DesiredSchema.parse(message)).toEqual(message);
  });

  it('to a status is kept, a state that is not known included', () => {
    const time = '2026-01-01T00:00:00.000Z';
    const netlink = { index: 1, mtu: 1, flags: [], operState: 'UP', addresses: [], netns: '1', ...later };
    const peer = { publicKey: 'k', allowedIPs: [], ...later };
    const lastEvent = { sequence: 1, type: 'LinkMeasured', time, ...later };
    const wireguard = { listenPort: 1, peers: [peer], ...later };
    const status = { state: 'resting', netlink, wireguard, lastEvent, ...later };
    const message = { uid: 'u', kind: 'k', namespace: 'd', name: 'n', node: 'x', hash: '', status, ...later };
    expect(StatusMessageSchema.parse(message)).toEqual(message);
  });

  it('to the entry of a node is kept', () => {
    const time = '2026-01-01T00:00:00.000Z';
    const entry = {
      node: 'n',
      hostname: 'h',
      version: '9',
      machine: 99,
      sealKey: 'k',
      journal: 'j',
      instance: 'i',
      time,
    };
    expect(NodeEntrySchema.parse({ ...entry, ...later })).toEqual({ ...entry, ...later });
  });

  it.each(['WireGuardInterface', 'NetlinkInterface'] as const)('passes an older CRD of %s', (kind) => {
    type Schema = { enum?: unknown; properties: Record<string, Schema>; items: Schema };
    const definition = customResourceDefinition(kind) as never as {
      spec: { versions: [{ schema: { openAPIV3Schema: Schema } }] };
    };
    const { status, spec } = definition.spec.versions[0].schema.openAPIV3Schema.properties;
    const open = 'x-kubernetes-preserve-unknown-fields';
    expect(status).toHaveProperty(open, true);
    for (const part of ['netlink', 'wireguard', 'lastEvent'])
      expect(status?.properties[part]).toHaveProperty(open, true);
    expect(status?.properties['state']).not.toHaveProperty('enum');
    // A misspelled field of a spec is still reported.
    expect(spec).not.toHaveProperty(open);
  });
});
