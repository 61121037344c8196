import { expect, test } from 'vitest';
import { wireguard } from '../testing/objects.ts';
import { ownerOf } from './child.ts';
import { ownerPlan } from './owner.ts';

const owner = ownerOf({ name: 'net', namespace: 'default', uid: 'u1', generation: 1 });
const owned = (...ownerReferences: object[]) => wireguard('wg1', {}, { ownerReferences: ownerReferences as never });

test('a plan controls what names it as its controller, in any version of our group', () => {
  expect(owner).toEqual({
    apiVersion: 'networking.dn42.io/v1alpha1',
    kind: 'WireGuardNetworkPlan',
    name: 'net',
    uid: 'u1',
    controller: true,
    // A foreground deletion of the plan waits for its interfaces.
    blockOwnerDeletion: true,
  });
  expect(ownerPlan(owned(owner))).toMatchObject({ name: 'net', uid: 'u1' });
  expect(ownerPlan(owned({ ...owner, apiVersion: 'networking.dn42.io/v2' }))).toMatchObject({ uid: 'u1' });
  expect(ownerPlan(owned({ ...owner, kind: 'Other', uid: 'u2' }, owner))).toMatchObject({ uid: 'u1' });
});

test.each([
  ['an owner that does not control it', { ...owner, controller: false }],
  ['an owner that says nothing of that', { ...owner, controller: undefined }],
  ['another kind', { ...owner, kind: 'Deployment' }],
  ["another group's kind of the same name", { ...owner, apiVersion: 'example.com/v1alpha1' }],
])('%s is no plan', (_what, reference) => {
  expect(ownerPlan(owned(reference))).toBeUndefined();
});

test('most objects have no owner', () => {
  expect(ownerPlan(wireguard('wg1'))).toBeUndefined();
});
