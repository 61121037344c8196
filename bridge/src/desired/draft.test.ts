import { describe, expect, test } from 'vitest';
import { draft, secretsOf, tombstone } from './draft.ts';
import { registered, secret, wireguard } from '../testing/objects.ts';

const key = Buffer.alloc(32, 5);
const { entry: node } = registered('lax1');
const none = { get: () => undefined, forbidden: false };
const holding = (version = '7') => ({ get: () => secret('s', { k: key }, 'default', version), forbidden: false });
const ref = { name: 's', key: 'k', namespace: 'default' };

test('an inline key leaves the spec and beats a reference', () => {
  const { desired, open } = draft(
    wireguard('wg1', { privateKey: key.toString('base64'), privateKeySecretRef: ref, mtu: 1400 }),
    none,
    node,
  );
  expect(desired.spec).toEqual({ node: 'lax1', interfaceName: 'wg1', privateKeySecretRef: ref, mtu: 1400 });
  expect(open).toEqual([{ ref: 'privateKey', version: 'uid-wg1@1', key: key.toString('base64') }]);
  expect(desired.missing).toEqual([]);
});

test('a malformed inline key is named, not passed on', () => {
  const { desired, open } = draft(wireguard('wg1', { privateKey: 'hunter2' }), none, node);
  expect(desired.missing).toMatchObject([{ ref: 'privateKey', reason: 'Malformed' }]);
  expect(open).toEqual([]);
  expect(JSON.stringify(desired)).not.toContain('hunter2');
});

test('a spec that makes no sense is passed on for the agent to judge', () => {
  expect(draft(wireguard('wg1', { peers: 7, addresses: 'x' }), none, node).desired.spec).toMatchObject({
    peers: 7,
    addresses: 'x',
  });
  expect(draft({ ...wireguard('wg1'), spec: [] as never }, none, node).desired.spec).toEqual({});
  expect(
    draft(wireguard('wg1', { peers: [null, 'x', { presharedKeySecretRef: 3, publicKey: 'P' }] }), none, node).desired
      .missing,
  ).toMatchObject([{ ref: 'psk:P', reason: 'Malformed' }]);
});

test('without a key of the node nothing can be sealed', () => {
  const { desired, open } = draft(wireguard('wg1', { privateKeySecretRef: ref }), holding(), undefined);
  expect(open).toEqual([]);
  expect(desired.missing).toMatchObject([{ ref: 'privateKey', reason: 'NodeKeyUnknown' }]);
});

describe('the content', () => {
  const base = wireguard('wg1', { privateKeySecretRef: ref });
  const content = draft(base, holding(), node).content;
  test.each([
    [
      'a new resourceVersion',
      draft(
        wireguard('wg1', { privateKeySecretRef: ref }, { resourceVersion: '9', labels: { a: 'b' } }),
        holding(),
        node,
      ),
      true,
    ],
    [
      'another order of fields',
      draft({ ...base, spec: { privateKeySecretRef: ref, interfaceName: 'wg1', node: 'lax1' } }, holding(), node),
      true,
    ],
    ['a rotated secret', draft(base, holding('8'), node), false],
    ['a new key of the node', draft(base, holding(), registered('lax1').entry), false],
    ['another life', draft(wireguard('wg1', { privateKeySecretRef: ref }, { uid: 'u2' }), holding(), node), false],
    [
      'a deletion',
      draft(
        wireguard('wg1', { privateKeySecretRef: ref }, { deletionTimestamp: '2026-01-02T00:00:00Z' }),
        holding(),
        node,
      ),
      false,
    ],
    ['another spec', draft(wireguard('wg1', { privateKeySecretRef: ref, mtu: 1300 }), holding(), node), false],
  ])('after %s', (_what, next, same) => {
    expect(next.content === content).toBe(same);
  });
  test('of a tombstone depends on who is gone only', () => {
    const { desired } = draft(base, holding(), node);
    expect(tombstone({ ...desired, secrets: [] }).content).toBe(
      tombstone({ ...desired, secrets: [], generation: 9 }).content,
    );
    expect(tombstone({ ...desired, secrets: [] }).content).not.toBe(
      tombstone({ ...desired, uid: 'u2', secrets: [] }).content,
    );
  });
});

test('an object names the Secrets it reads', () => {
  const object = wireguard('wg1', {
    privateKeySecretRef: ref,
    peers: [{ publicKey: 'P', presharedKeySecretRef: { name: 'psk', key: 'k' } }, { publicKey: 'Q' }],
  });
  expect(secretsOf(object)).toEqual(['default/s', 'default/psk']);
});

test('a tombstone keeps who it was and nothing of what was wanted', () => {
  const { desired, open } = tombstone({
    ...draft(wireguard('wg1', { mtu: 1400 }), none, undefined).desired,
    secrets: [],
  });
  expect(desired).toMatchObject({ uid: 'uid-wg1', deleted: true, spec: {}, missing: [] });
  expect(open).toEqual([]);
});

test('what is missing says what to do about it', () => {
  expect(draft(wireguard('wg1', { privateKey: 7 }), none, node).desired.missing).toEqual([
    {
      ref: 'privateKey',
      reason: 'Malformed',
      message: 'the private key must be 32 bytes in base64 (44 characters)',
    },
  ]);
  expect(
    draft(wireguard('wg1', { privateKeySecretRef: ref }), holding(), undefined).desired.missing[0]?.message,
  ).toMatch(/node lax1.*ifactor-agent --node lax1/);
});

test('only what is sealed depends on the key of the node, and says nothing of one where nothing is sealed', () => {
  const plain = draft(wireguard('wg1'), none, node);
  expect(plain.sealKey).toBeUndefined();
  expect(plain.content).toBe(draft(wireguard('wg1'), none, registered('lax1').entry).content);
  expect(plain.content).toBe(draft(wireguard('wg1'), none, undefined).content);
  expect(draft(wireguard('wg1', { privateKeySecretRef: ref }), holding(), node).sealKey).toBe(node.sealKey);
});

test('a message has a deletionTimestamp only where the object has one', () => {
  expect(draft(wireguard('wg1'), none, node).desired).not.toHaveProperty('deletionTimestamp');
  const going = draft(wireguard('wg1', {}, { deletionTimestamp: '2026-01-02T00:00:00Z' }), none, node);
  expect(going.desired.deletionTimestamp).toBe('2026-01-02T00:00:00Z');
});

test('a peer without a preshared key, and what is no peer, wants no secret', () => {
  expect(draft(wireguard('wg1', { peers: [{ publicKey: 'P' }, 7] }), none, node).desired.missing).toEqual([]);
  expect(draft(wireguard('wg1', { peers: { publicKey: 'P' } }), none, node).desired.missing).toEqual([]);
});

test('the content of a tombstone is not that of anything wanted', () => {
  const { desired } = draft(wireguard('wg1'), none, node);
  const gone = tombstone({ ...desired, secrets: [{ ref: 'r', version: 'v', sender: 's', sealed: 'x' }] });
  expect(gone.desired).not.toHaveProperty('secrets');
  expect(gone.desired.deleted).toBe(true);
  expect(gone.sealKey).toBeUndefined();
});

const names = (privateKeySecretRef: unknown) => secretsOf(wireguard('wg1', { privateKeySecretRef }));

test('Secrets are named with their namespace; what names none is passed over', () => {
  expect(names({ name: 's', key: 'k', namespace: 'tenant' })).toEqual(['tenant/s']);
  expect(names({ name: 's', key: 'k', namespace: 7 })).toEqual(['7/s']);
  expect(names('s')).toEqual([]);
  expect(names({ name: 7 })).toEqual([]);
  expect(names(undefined)).toEqual([]);
  expect(secretsOf({ ...wireguard('wg1'), spec: [] as never })).toEqual([]);
  expect(secretsOf(wireguard('wg1', { privateKey: 'x', privateKeySecretRef: ref }))).toEqual(['default/s']);
});
