import { TestClock } from '@ifactor/common/testing';
import { makeSigningKey, readSigningKey, verifies } from '@ifactor/common/signature';
import {
  desiredStatement,
  formatKeyChanges,
  keyChangesHeader,
  keyChangeStatement,
  signatureHeaders as names,
} from '@ifactor/crds';
import { expect, test } from 'vitest';
import type { Entry } from '../stream/follower.ts';
import { createSigner } from './signer.ts';

const subject = 'ifactor.desired.lax1.netlinkinterface.default.br1';
const message = { subject, content: 'c1', body: '{"generation":1}' };
const key = readSigningKey(makeSigningKey());

const opened = (identity = { key, cluster: 'cluster', keyChanges: '' }) => {
  const clock = new TestClock();
  const signer = createSigner(clock);
  signer.use(identity);
  return { clock, signer };
};
const stored = (headers: Record<string, string>, changed: Partial<Entry> = {}): Entry => ({
  subject,
  sequence: 1,
  time: 0,
  header: (name) => headers[name] ?? '',
  body: message.body,
  ...changed,
});

test('a signature covers subject, cluster, revision, content and body', () => {
  const { clock, signer } = opened();
  const headers = signer.sign(message, undefined);
  expect(headers).toMatchObject({
    [names.cluster]: 'cluster',
    [names.revision]: String(clock.now()),
    [names.content]: 'c1',
    [names.signer]: key.publicKey,
  });
  expect(headers).not.toHaveProperty(keyChangesHeader);
  const statement = desiredStatement({ ...message, cluster: 'cluster', revision: clock.now() });
  expect(verifies(key.publicKey, statement, headers[names.signature]!)).toBe(true);
  expect(signer.contentOf(stored(headers))).toBe('c1');
  const altered: [string, Entry][] = [
    ['subject', stored(headers, { subject: subject.replace('lax1', 'lax2') })],
    ['body', stored(headers, { body: '{"generation":2}' })],
    ...Object.values(names).map((name): [string, Entry] => [name, stored({ ...headers, [name]: '1' })]),
    ...Object.values(names).map((name): [string, Entry] => [`no ${name}`, stored({ ...headers, [name]: '' })]),
  ];
  for (const [part, entry] of altered) expect(signer.contentOf(entry), part).toBeUndefined();
  expect(signer.contentOf(undefined)).toBeUndefined();
});

test('revisions rise though the clock goes back, and whatever a forged message claims', () => {
  const { clock, signer } = opened();
  const first = signer.sign(message, undefined);
  const before = Number(first[names.revision]);
  expect(signer.sign(message, stored(first))[names.revision]).toBe(String(before + 1));
  const forged = stored({ ...first, [names.revision]: String(2 ** 53 - 1) });
  expect(signer.sign(message, forged)[names.revision]).toBe(String(clock.now()));
});

test('after a key change, messages carry it; what the old key signed is not current, and its revision counts', () => {
  const { signer } = opened();
  const old = stored({ ...signer.sign(message, stored(signer.sign(message, undefined))) });
  const next = readSigningKey(makeSigningKey());
  const change = { from: key.publicKey, to: next.publicKey };
  const keyChanges = formatKeyChanges([{ ...change, signature: key.sign(keyChangeStatement(change)) }]);
  signer.use({ key: next, cluster: 'cluster', keyChanges });
  expect(signer.contentOf(old)).toBeUndefined();
  const headers = signer.sign(message, old);
  expect(headers[keyChangesHeader]).toBe(keyChanges);
  expect(Number(headers[names.revision])).toBe(Number(old.header(names.revision)) + 1);
  expect(signer.contentOf(stored(headers))).toBe('c1');
});

test('without a key nothing is signed, and no message is its own', () => {
  const { signer } = opened();
  const headers = signer.sign(message, undefined);
  const empty = createSigner(new TestClock());
  expect(() => empty.sign(message, undefined)).toThrow('the signing key has not been read yet');
  expect(empty.contentOf(stored(headers))).toBeUndefined();
});
