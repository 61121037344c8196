import { describe, expect, it } from 'vitest';
import { decodeFields, encodeFields, fieldsOf } from './fields.ts';
import { ownDefinitions } from '../index.ts';
import { part } from '@ifactor/common/json';
import type { Json } from '@ifactor/common/json';
import { afterUpdate, apply } from './managers.ts';
import { servedResourceOf } from '../schema/resource.ts';
import type { ServedResource } from '../schema/resource.ts';

const resource = ownDefinitions()
  .map(servedResourceOf)
  .find(({ kind }) => kind === 'WireGuardInterface') as ServedResource;
const peer = (name: string, more: Json = {}): Json => ({ publicKey: name, allowedIPs: ['10.0.0.0/8'], ...more });
const object = (spec: Json, metadata: Json = {}): Json => ({ metadata: { name: 'wg0', ...metadata }, spec });
const by = (manager: string, subresource = '') => ({ manager, subresource, time: '2026-01-01T00:00:00Z' });
const spec = (value: Json): Json => part(value, 'spec');

describe('server-side apply', () => {
  it('keeps what others own, and takes out what its manager applies no more', () => {
    const first = apply(resource, undefined, object({ mtu: 1400, listenPort: 1, peers: [peer('a')] }), by('me'), false);
    const shared = apply(resource, first, object({ fwmark: 7 }), by('you'), false);
    const second = apply(resource, shared, object({ mtu: 1400, peers: [peer('a')] }), by('me'), false);
    expect(spec(second)).toEqual({ mtu: 1400, fwmark: 7, peers: [peer('a')] });
  });

  it('merges a keyed list item by item', () => {
    const mine = apply(resource, undefined, object({ peers: [peer('a')] }), by('me'), false);
    const both = apply(resource, mine, object({ peers: [peer('b')] }), by('you'), false);
    expect(spec(both)['peers']).toEqual([peer('a'), peer('b')]);
    const without = apply(resource, both, object({}), by('me'), false);
    expect(spec(without)['peers']).toEqual([peer('b')]);
  });

  it('refuses to overwrite what another manager applied, names it, and does so when forced', () => {
    const mine = apply(resource, undefined, object({ mtu: 1400 }), by('me'), false);
    expect(() => apply(resource, mine, object({ mtu: 1300 }), by('you'), false)).toThrow(
      'conflict with "me": .spec.mtu',
    );
    const forced = apply(resource, mine, object({ mtu: 1300 }), by('you'), true);
    expect(spec(forced)).toEqual({ mtu: 1300 });
    expect(spec(apply(resource, forced, object({}), by('me'), false))).toEqual({ mtu: 1300 });
  });

  it('shares a field that both apply with one value', () => {
    const mine = apply(resource, undefined, object({ mtu: 1400 }), by('me'), false);
    const both = apply(resource, mine, object({ mtu: 1400 }), by('you'), false);
    expect(spec(apply(resource, both, object({}), by('me'), false))).toEqual({ mtu: 1400 });
  });

  it('lets an update take over what it changes', () => {
    const mine = apply(resource, undefined, object({ mtu: 1400, fwmark: 1 }), by('me'), false);
    const edited = afterUpdate(resource, mine, { ...mine, spec: { mtu: 1300, fwmark: 1 } }, by('kubectl-edit'));
    expect(() => apply(resource, edited, object({ mtu: 1400, fwmark: 1 }), by('me'), false)).toThrow(
      'conflict with "kubectl-edit": .spec.mtu',
    );
  });

  it('keeps labels of others', () => {
    const mine = apply(resource, undefined, object({}, { labels: { a: '1' } }), by('me'), false);
    const both = apply(resource, mine, object({}, { labels: { b: '2' } }), by('you'), false);
    expect(part(both, 'metadata')['labels']).toEqual({ a: '1', b: '2' });
  });
});

it('writes field sets so that they read the same', () => {
  const fields = fieldsOf(
    resource.schema,
    object(
      { mtu: 1, peers: [peer('a'), peer('b', { endpoint: 'x:1' })], addresses: [{ local: '1.2.3.4' }] },
      { finalizers: ['f'] },
    ),
  );
  expect([...decodeFields(JSON.parse(JSON.stringify(encodeFields(fields)))).keys()].toSorted()).toEqual(
    [...fields.keys()].toSorted(),
  );
  expect([...fields.values()].map((path) => path.join('/'))).toContain('f:spec/f:peers/k:{"publicKey":"b"}/f:endpoint');
});
