import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { createCurve } from '@nats-io/nkeys';
import { systemClock } from '@ifactor/common';
import { TestClock } from '@ifactor/common/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SealedSecret } from '@ifactor/crds';
import { someKey } from '../../testing/events.ts';
import { loadIdentity } from './identity.ts';
import type { Identity } from './identity.ts';
import { Secrets } from './secrets.ts';

let folder: string;
let identity: Identity;
let secrets: Secrets;
const bridge = createCurve();
const wg0 = { ...someKey('wg0'), kind: 'wireguardinterface' };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ifactor-secrets-'));
  identity = loadIdentity(folder);
  secrets = new Secrets(identity, folder, systemClock);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const seal = (ref: string, value: Uint8Array, to = identity.sealKey): SealedSecret => ({
  ref,
  version: 'v1',
  sender: bridge.getPublicKey(),
  sealed: Buffer.from(bridge.seal(value, to)).toString('base64'),
});
const learn = (...sealed: SealedSecret[]): void => secrets.learn(wg0, { secrets: sealed, missing: [] });
const wgPublicKey = (key: Buffer): string =>
  execFileSync('wg', ['pubkey'], { input: key.toString('base64'), encoding: 'utf8' }).trim();
/** The key as bytes print, raw, in hex and in base64. */
const spellings = (key: Buffer): string[] => [
  key.toString('base64'),
  key.toString('hex'),
  key.toString('latin1'),
  [...key].join(', '),
];

describe('the identity', () => {
  test('is made once, for its owner only', () => {
    expect(loadIdentity(folder).sealKey).toBe(identity.sealKey);
    expect(identity.sealKey).toMatch(/^X[A-Z2-7]{55}$/);
    expect(statSync(join(folder, 'seal.nk')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['seal.nk']);
  });

  test('that is damaged is told, not shown', () => {
    const seed = readFileSync(join(folder, 'seal.nk'), 'utf8');
    writeFileSync(join(folder, 'seal.nk'), seed.slice(0, -3));
    expect(() => loadIdentity(folder)).toThrow('is not an nkeys curve seed');
    expect(() => loadIdentity(folder)).not.toThrow(seed.slice(0, -3));
  });
});

describe('the secrets of a former spec', () => {
  const [old, fresh] = [randomBytes(32), randomBytes(32)];

  test('are at hand while a change may be rolled back, also after a restart, and are kept sealed', () => {
    learn(seal('privateKey', old));
    secrets.keep(wg0, [seal('privateKey', old)]);
    learn({ ...seal('privateKey', fresh), version: 'v2' });
    expect(secrets.use(wg0, wgPublicKey(old))).toEqual(old);
    const again = new Secrets(identity, folder, systemClock);
    expect(again.use(wg0, wgPublicKey(old))).toEqual(old);
    const [file = ''] = readdirSync(join(folder, 'former'));
    expect(statSync(join(folder, 'former', file)).mode & 0o777).toBe(0o600);
    for (const spelling of spellings(old))
      expect(readFileSync(join(folder, 'former', file), 'utf8')).not.toContain(spelling);
    again.drop(wg0);
    expect(() => again.use(wg0, wgPublicKey(old))).toThrow('not available');
    expect(readdirSync(join(folder, 'former'))).toEqual([]);
  });

  test('include the key that was made here before one was given', () => {
    learn();
    const made = secrets.resolve(wg0, 'privateKey');
    const fingerprint = (made.data as { fingerprint: string }).fingerprint;
    learn(seal('privateKey', fresh));
    expect(secrets.use(wg0, fingerprint)).toHaveLength(32);
    expect(new Secrets(identity, folder, systemClock).use(wg0, fingerprint)).toHaveLength(32);
  });
});

describe('a secret', () => {
  const key = randomBytes(32);

  test.each([
    ['raw bytes', key],
    ['base64', Buffer.from(key.toString('base64'))],
    ['base64 with a newline', Buffer.from(` ${key.toString('base64')}\n`)],
  ])('is accepted as %s, and known by what WireGuard calls its public key', (_, value) => {
    learn(seal('privateKey', value));
    expect(secrets.resolve(wg0, 'privateKey')).toEqual({
      type: 'SecretResolved',
      data: { ref: 'privateKey', version: 'v1', fingerprint: wgPublicKey(key) },
    });
    expect(secrets.use(wg0, wgPublicKey(key))).toEqual(key);
  });

  test('of any value has the public key that wg computes', () => {
    for (const value of [
      Buffer.alloc(32, 1),
      Buffer.alloc(32, 0xff),
      ...Array.from({ length: 20 }, () => randomBytes(32)),
    ]) {
      learn(seal('privateKey', value));
      expect(secrets.resolve(wg0, 'privateKey').data).toMatchObject({ fingerprint: wgPublicKey(value) });
    }
  });

  test('that is a preshared key is known by a fingerprint', () => {
    learn(seal('psk:PEER', Buffer.alloc(32, 7)));
    const { data } = secrets.resolve(wg0, 'psk:PEER');
    expect(data).toMatchObject({ ref: 'psk:PEER', fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect(secrets.use(wg0, 'fingerprint' in data ? data.fingerprint : '')).toEqual(Buffer.alloc(32, 7));
  });

  test('that is no key, or sealed to somebody else, is missing with the reason and without the value', () => {
    const value = `hunter2${key.toString('base64')}`;
    learn(seal('privateKey', Buffer.from(value)), seal('psk:P', key, createCurve().getPublicKey()));
    expect(secrets.resolve(wg0, 'privateKey')).toMatchObject({ type: 'SecretMissing', data: { reason: 'Malformed' } });
    expect(secrets.resolve(wg0, 'psk:P')).toMatchObject({ type: 'SecretMissing', data: { reason: 'CannotOpen' } });
    expect(JSON.stringify(secrets.resolve(wg0, 'privateKey'))).not.toContain('hunter2');
    learn({ ...seal('privateKey', key), sealed: 'AAAA' }, { ...seal('psk:P', key), sender: 'nobody' });
    expect(secrets.resolve(wg0, 'privateKey')).toMatchObject({ data: { reason: 'CannotOpen' } });
    expect(secrets.resolve(wg0, 'psk:P')).toMatchObject({ data: { reason: 'CannotOpen' } });
  });

  test("that the bridge could not read is missing for the bridge's reason", () => {
    secrets.learn(wg0, {
      secrets: [],
      missing: [{ ref: 'privateKey', reason: 'SecretNotFound', message: 'no secret a/b' }],
    });
    expect(secrets.resolve(wg0, 'privateKey')).toEqual({
      type: 'SecretMissing',
      data: { ref: 'privateKey', reason: 'SecretNotFound', params: { namespace: 'default' } },
    });
    expect(readdirSync(folder)).not.toContain('keys');
  });

  test('that was replaced can no longer be used', () => {
    learn(seal('privateKey', key));
    learn(seal('privateKey', randomBytes(32)));
    expect(() => secrets.use(wg0, wgPublicKey(key))).toThrow('is not available');
  });

  test('never shows when its holder is printed', () => {
    learn(seal('privateKey', key), seal('psk:P', key));
    for (const text of [inspect(secrets, { depth: 9, showHidden: true }), JSON.stringify(secrets)]) {
      for (const spelling of spellings(key)) expect(text).not.toContain(spelling);
    }
  });
});

describe('a key that nobody gives', () => {
  test('is made once, outlives restarts and secrets that come and go, and goes with the interface', () => {
    learn();
    const first = secrets.resolve(wg0, 'privateKey');
    expect(first).toMatchObject({ type: 'SecretResolved', data: { version: 'generated' } });
    const file = join(folder, 'keys', 'default.wireguardinterface.wg0');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(first.data).toMatchObject({ fingerprint: wgPublicKey(Buffer.from(readFileSync(file, 'utf8'), 'base64')) });

    learn(seal('privateKey', randomBytes(32)));
    expect(secrets.resolve(wg0, 'privateKey')).not.toEqual(first);
    secrets = new Secrets(loadIdentity(folder), folder, systemClock);
    learn();
    expect(secrets.resolve(wg0, 'privateKey')).toEqual(first);

    secrets.retire(wg0);
    expect(readdirSync(join(folder, 'keys'))).toEqual(['retired']);
    learn();
    const back = secrets.resolve(wg0, 'privateKey');
    expect(back).toEqual({ ...first, data: { ...first.data, version: 'restored' } });
    learn();
    expect(secrets.resolve(wg0, 'privateKey')).toEqual(back);

    secrets.retire(wg0);
    expect(secrets.retired.purge({ ...wg0, name: 'wg1' })).toEqual([]);
    expect(secrets.retired.purge(wg0)).toEqual(['default.wireguardinterface.wg0']);
    learn();
    const other = secrets.resolve(wg0, 'privateKey');
    expect(other.data).toMatchObject({ version: 'generated' });
    expect(other).not.toEqual(first);
  });

  test('is destroyed when it was retired for longer than it is kept', async () => {
    const clock = new TestClock();
    secrets = new Secrets(loadIdentity(folder), folder, clock);
    learn();
    const first = secrets.resolve(wg0, 'privateKey');
    secrets.retire(wg0);
    await clock.pass(30 * 24 * 3600 * 1000 - 1000);
    expect(secrets.retired.expire(30 * 24 * 3600 * 1000)).toEqual([]);
    await clock.pass(2000);
    expect(secrets.retired.expire(30 * 24 * 3600 * 1000)).toEqual(['default.wireguardinterface.wg0']);
    learn();
    expect(secrets.resolve(wg0, 'privateKey')).not.toEqual(first);
  });

  test.each([231, 253])('is made, retired and given back for a name of %d letters', (length) => {
    const long = { ...wg0, name: 'x'.repeat(length) };
    const like = { ...long, name: `${'x'.repeat(length - 1)}y` };
    secrets.learn(long, { secrets: [], missing: [] });
    secrets.learn(like, { secrets: [], missing: [] });
    const first = secrets.resolve(long, 'privateKey');
    expect(first).toMatchObject({ type: 'SecretResolved' });
    expect(secrets.resolve(like, 'privateKey')).not.toEqual(first);
    secrets.keep(long, [seal('privateKey', randomBytes(32))]);
    secrets.retire(long);
    secrets.learn(long, { secrets: [], missing: [] });
    expect(secrets.resolve(long, 'privateKey').data).toEqual({ ...first.data, version: 'restored' });
  });

  test('is not made before the bridge has said that nobody gives one, nor for a preshared key', () => {
    expect(secrets.resolve(wg0, 'privateKey')).toMatchObject({
      type: 'SecretMissing',
      data: { reason: 'NotDelivered' },
    });
    learn();
    expect(secrets.resolve(wg0, 'psk:P')).toMatchObject({ type: 'SecretMissing', data: { reason: 'NotDelivered' } });
    expect(readdirSync(folder)).toEqual(['seal.nk']);
  });

  test('that cannot be kept is a condition, not a crash', () => {
    writeFileSync(join(folder, 'keys'), 'in the way');
    learn();
    expect(secrets.resolve(wg0, 'privateKey')).toMatchObject({
      type: 'SecretMissing',
      data: { reason: 'StateFolder' },
    });
  });
});

test('a key that was made here stays at hand when the object is told again', () => {
  learn();
  const fact = secrets.resolve(wg0, 'privateKey');
  if (fact.type !== 'SecretResolved') throw new Error(fact.data.reason);
  learn();
  expect(secrets.use(wg0, fact.data.fingerprint)).toHaveLength(32);
});
