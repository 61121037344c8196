import { WireGuardNetworkPlanSpecSchema } from '@ifactor/crds';
import { publicKeyOf } from '@ifactor/common/wireguardKey';
import { expect, test } from 'vitest';
import { made, secret } from '../testing/objects.ts';
import { givenKeys, planSecrets, usesSecrets } from './secrets.ts';

const parent = { name: 'net', namespace: 'default', uid: 'u1', generation: 1 };
const bytes = Buffer.alloc(32, 9);
const text = bytes.toString('base64');
const ref = { name: 's', namespace: 'default', key: 'k' };
const store = {
  get: (at: string) => (at === 'default/s' ? secret('s', { k: bytes }) : undefined),
  forbidden: false,
};
const given = (node: object, secrets: typeof store = store) =>
  givenKeys(
    parent,
    WireGuardNetworkPlanSpecSchema.parse({ nodes: [{ nodeName: 'lax1', ...node }], links: [] }),
    secrets,
  );
const planOf = (spec: unknown) => made('WireGuardNetworkPlan', 'net', spec as never);

test('a node without a key gives none: its agent makes one', () => {
  expect(given({})).toEqual({ given: new Map(), owned: [], problems: [] });
});

test('a key in a Secret is referred to, and its public half is known', () => {
  expect(given({ privateKeyRef: ref })).toEqual({
    given: new Map([['lax1', { ref, publicKey: publicKeyOf(text) }]]),
    owned: [],
    problems: [],
  });
});

test('a Secret that cannot be read is a problem of its node; the reference stays', () => {
  const missing = { ...ref, name: 'none' };
  expect(given({ privateKeyRef: missing })).toEqual({
    given: new Map([['lax1', { ref: missing, publicKey: undefined }]]),
    owned: [],
    problems: [
      {
        link: 'node lax1',
        reason: 'SecretNotFound',
        message: expect.stringContaining('Secret default/none not found') as unknown,
      },
    ],
  });
});

test('a key that is spelled out is put into a Secret of the plan, and beats a reference', () => {
  const own = { name: 'net.lax1.wireguard-key', namespace: 'default', key: 'privateKey' };
  expect(given({ privateKey: text, privateKeyRef: { ...ref, name: 'none' } })).toEqual({
    given: new Map([['lax1', { ref: own, publicKey: publicKeyOf(text) }]]),
    owned: [
      {
        metadata: {
          name: own.name,
          namespace: 'default',
          ownerReferences: [expect.objectContaining({ kind: 'WireGuardNetworkPlan', uid: 'u1', controller: true })],
        },
        data: { privateKey: Buffer.from(text).toString('base64') },
      },
    ],
    problems: [],
  });
});

test('the Secrets that a plan names are those of its references; a plan that makes no sense names none', () => {
  const nodes = [
    { nodeName: 'a', privateKeyRef: ref },
    { nodeName: 'b' },
    { nodeName: 'c', privateKeyRef: { ...ref, name: 't', namespace: 'other' } },
  ];
  expect(planSecrets(planOf({ nodes, links: [] }))).toEqual(['default/s', 'other/t']);
  expect(planSecrets(planOf({ nodes: 7 }))).toEqual([]);
  expect(planSecrets(planOf(undefined))).toEqual([]);
});

test('a plan has to do with Secrets where it refers to one or spells a key out', () => {
  expect(usesSecrets(planOf({ nodes: [{ nodeName: 'a' }], links: [] }))).toBe(false);
  expect(usesSecrets(planOf({ nodes: [{ nodeName: 'a', privateKeyRef: ref }], links: [] }))).toBe(true);
  expect(usesSecrets(planOf({ nodes: [{ nodeName: 'a', privateKey: text }], links: [] }))).toBe(true);
  expect(usesSecrets(planOf({ nodes: 7 }))).toBe(false);
});
