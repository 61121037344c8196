import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog, systemRandom } from '@ifactor/common';
import type { StoredMessage } from '@ifactor/common/eventStore';
import { TestClock } from '@ifactor/common/testing';
import { keyChangesHeader, signatureHeaders as names } from '@ifactor/crds';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { declaredBridge, delivered, TestSigner } from '../../testing/signing.ts';
import { openJournal } from '../journal/journal.ts';
import type { Journal } from '../journal/journal.ts';
import { trustKey } from './pin.ts';
import { Revisions } from './revisions.ts';
import { Trust } from './trust.ts';

let folder: string;
let journal: Journal;
let bridge: TestSigner;
const clock = new TestClock();
const later = { now: () => clock.now() + 1 };
const lines: string[] = [];
const log = createLog('test', 'info', (line) => void lines.push(line));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ift-trust-'));
  journal = openJournal(folder, { node: 'n1' });
  bridge = new TestSigner();
  lines.length = 0;
});
afterEach(() => {
  journal.close();
  rmSync(folder, { recursive: true });
});

const opened = (key?: string): Trust =>
  new Trust({ folder, journal, runtime: { clock, random: systemRandom, log }, ...(key === undefined ? {} : { key }) });
const unsigned = (generation: number): StoredMessage =>
  delivered({ ...bridge.sign(declaredBridge('br0', generation)), headers: {} });
const signed = (generation: number, name = 'br0', node = 'n1'): StoredMessage =>
  delivered(bridge.sign(declaredBridge(name, generation), node));
const changed = (message: StoredMessage, change: Partial<StoredMessage>): StoredMessage => ({ ...message, ...change });
const withHeader = (message: StoredMessage, name: string, value: string): StoredMessage =>
  changed(message, { header: (other) => (other === name ? value : message.header(other)) });

test('messages without a signature are accepted until the first one with it, then never, also after a restart', () => {
  const trust = opened();
  expect(trust.judge('br0', unsigned(1))).toBeNull();
  expect(trust.judge('br0', signed(2))).toBeNull();
  expect(trust.judge('br0', unsigned(3))).toBe('Unsigned');
  expect(trust.judge('br1', unsigned(3))).toBe('Unsigned');
  expect(opened().judge('br1', unsigned(4))).toBe('Unsigned');
  expect(statSync(join(folder, 'trust.json')).mode & 0o777).toBe(0o600);
});

test('a node that was given a key accepts no other, from the start', () => {
  const trust = opened(bridge.publicKey);
  expect(trust.judge('br0', unsigned(1))).toBe('Unsigned');
  const other = new TestSigner();
  expect(trust.judge('br0', delivered(other.sign(declaredBridge('br0', 1))))).toBe('OtherKey');
  expect(trust.judge('br0', signed(1))).toBeNull();
  // What the state folder says counts: the key may have been rotated since.
  opened(other.publicKey);
  expect(lines.join('\n')).toContain('the state folder trusts another key than --trust');
  expect(opened(other.publicKey).judge('br0', signed(2))).toBeNull();
});

test('a first message whose signature is wrong decides nothing', () => {
  const trust = opened();
  expect(trust.judge('br0', changed(signed(1), { body: '{}' }))).toBe('BadSignature');
  expect(trust.judge('br0', delivered(new TestSigner().sign(declaredBridge('br0', 1))))).toBeNull();
});

test('what was altered, or signed for another node, object or cluster is refused', () => {
  const trust = opened();
  const message = signed(1);
  expect(trust.judge('br0', message)).toBeNull();
  const next = signed(2);
  expect(trust.judge('br0', changed(next, { body: next.body.replace('1302', '1303') }))).toBe('BadSignature');
  for (const name of [names.cluster, names.revision, names.content, names.signature])
    expect(trust.judge('br0', withHeader(next, name, '2000')), name).toBe('BadSignature');
  expect(trust.judge('br0', withHeader(next, names.revision, '1.5'))).toBe('BadSignature');
  // As an attacker copies it to this node's subject.
  expect(trust.judge('br0', changed(signed(3, 'br0', 'n2'), { subject: message.subject }))).toBe('BadSignature');
  expect(trust.judge('br0', changed(signed(3, 'br1'), { subject: message.subject }))).toBe('BadSignature');
  expect(trust.judge('br0', next)).toBeNull();
  const elsewhere = new TestSigner('cluster-2');
  trustKey(folder, elsewhere.publicKey, later);
  expect(trust.judge('br0', delivered(elsewhere.sign(declaredBridge('br0', 4))))).toBeNull();
  Object.assign(elsewhere, { cluster: 'cluster-1' });
  expect(trust.judge('br0', delivered(elsewhere.sign(declaredBridge('br0', 5))))).toBe('OtherCluster');
});

test('nothing older than what was accepted is accepted again, also after a deletion and a restart', () => {
  const [first, second, gone] = [
    signed(1),
    signed(2),
    delivered(bridge.sign(declaredBridge('br0', 2, { deleted: true }))),
  ];
  let trust = opened();
  for (const message of [first, second, second, gone]) expect(trust.judge('br0', message)).toBeNull();
  for (const old of [first, second]) expect(trust.judge('br0', old)).toBe('Replayed');
  trust = opened();
  for (const old of [first, second]) expect(trust.judge('br0', old)).toBe('Replayed');
  expect(trust.judge('br0', gone)).toBeNull();
  expect(trust.judge('br1', signed(1, 'br1'))).toBeNull();
});

test('a new key is followed where the old one announces it, over several changes, and the old one is not accepted any more', () => {
  const trust = opened();
  const old = signed(1);
  expect(trust.judge('br0', old)).toBeNull();
  const former = signed(2);
  for (let count = 0; count < 3; count++) bridge.rotate();
  const next = signed(3);
  expect(trust.judge('br0', withHeader(next, keyChangesHeader, ''))).toBe('OtherKey');
  const changes = next.header(keyChangesHeader).split(',');
  expect(trust.judge('br0', withHeader(next, keyChangesHeader, changes.slice(1).join()))).toBe('OtherKey');
  // A link that is announced by no signature of the one before.
  const forged = changes.map((change, at) => (at === 1 ? `${change.slice(0, -4)}AAAA` : change));
  expect(trust.judge('br0', withHeader(next, keyChangesHeader, forged.join()))).toBe('OtherKey');
  expect(trust.judge('br0', next)).toBeNull();
  expect(trust.judge('br0', former)).toBe('OtherKey');
  expect(opened().judge('br0', former)).toBe('OtherKey');
  expect(opened().judge('br0', signed(4))).toBeNull();
});

test('a lost key is replaced by a person, at once where the agent is running; revisions count from there', () => {
  const trust = opened();
  expect(trust.judge('br0', signed(1))).toBeNull();
  let told = 0;
  trust.changed.subscribe(() => void told++);
  bridge = new TestSigner('cluster-2');
  expect(trust.judge('br0', signed(2))).toBe('OtherKey');
  trust.look();
  expect(told).toBe(0);
  expect(trustKey(folder, bridge.publicKey, later)).toContain(
    `trusted from now on: ${bridge.publicKey}; before: ed25519:`,
  );
  trust.look();
  trust.look();
  expect(told).toBe(1);
  // The clock of the new bridge may be behind that of the old one.
  expect(trust.judge('br0', delivered(bridge.sign(declaredBridge('br0', 2), 'n1', 5)))).toBeNull();
  expect(trust.judge('br0', delivered(bridge.sign(declaredBridge('br0', 1), 'n1', 4)))).toBe('Replayed');
});

test('a malformed key, a missing folder and a damaged file are named', () => {
  expect(() => trustKey(folder, 'ed25519:AAAA', clock)).toThrow('is not the key of a bridge');
  expect(() => trustKey(join(folder, 'none'), bridge.publicKey, clock)).toThrow('there is no state folder');
  writeFileSync(join(folder, 'trust.json'), '{"key":"x"}');
  expect(() => opened()).toThrow(/trust.json is damaged: run ifactor-agent trust KEY/);
  expect(trustKey(folder, bridge.publicKey, clock)).toContain('before: a damaged file');
  expect(opened().judge('br0', signed(1))).toBeNull();
});

test('a running agent keeps its key while the file is damaged', () => {
  const trust = opened();
  expect(trust.judge('br0', signed(1))).toBeNull();
  writeFileSync(join(folder, 'trust.json'), 'x');
  trust.look();
  expect(trust.judge('br0', unsigned(2))).toBe('Unsigned');
  expect(trust.judge('br0', signed(2))).toBeNull();
  expect(lines.join('\n')).toContain('the key to trust cannot be read; the one before stays');
});

const isLive = (id: string): boolean => id === 'live';

test('revisions of deleted objects are forgotten, the oldest first; what is as old as they are stays refused', () => {
  const revisions = new Revisions(journal, log);
  revisions.since('t');
  for (const [at, id] of ['gone1', 'gone2', 'live', 'gone3'].entries()) revisions.accept(id, at + 1);
  revisions.prune(isLive, 1);
  for (const known of [revisions, new Revisions(journal, log)]) {
    known.since('t');
    expect(['gone1', 'gone2', 'live', 'gone3', 'never seen'].map((id) => known.of(id))).toEqual([2, 2, 3, 4, 2]);
  }
  revisions.prune(isLive, 1);
  expect(journal.revisions('t').size).toBe(3);
});

test('a revision that cannot be stored counts nevertheless, and is stored later', () => {
  let full = true;
  const flaky: ConstructorParameters<typeof Revisions>[0] = {
    putRevisions(since, all) {
      if (full) throw new Error('no room');
      journal.putRevisions(since, all);
    },
    revisions: (since) => journal.revisions(since),
    dropRevisions: (since, ids) => journal.dropRevisions(since, ids),
  };
  const revisions = new Revisions(flaky, log);
  revisions.since('t');
  revisions.accept('br0', 7);
  expect([revisions.of('br0'), journal.revisions('t').get('br0')]).toEqual([7, undefined]);
  full = false;
  revisions.settle();
  expect(journal.revisions('t').get('br0')).toBe(7);
});
