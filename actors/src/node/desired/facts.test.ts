import type { Desired } from '@ifactor/crds';
import { describe, expect, test } from 'vitest';
import { desiredObject } from '../../testing/desired.ts';
import { bridgeSpec, learn, TestMailbox } from '../../testing/mailbox.ts';
import type { Actor, Declared } from '../runner/actor.ts';
import { interfaceKeyOf, isStale, newFacts, rereadFacts, sameSecrets } from './facts.ts';

const message = (more: Partial<Desired> = {}): Desired =>
  desiredObject('br0', 2, bridgeSpec, { uid: 'u1', resourceVersion: '20', ...more });
const leaving = { deletionTimestamp: '2026-01-02T00:00:00Z' };
const gone = { deleted: true, spec: {} };

describe('an object is for the actor', () => {
  test.each([
    ['NetlinkInterface', { kind: 'netlinkinterface', namespace: 'ns', name: 'x' }],
    ['WireGuardInterface', { kind: 'wireguardinterface', namespace: 'ns', name: 'x' }],
    ['WireGuardNetworkPlan', null],
    ['Secret', null],
  ])('of its kind, namespace and name: %s', (kind, key) => {
    expect(interfaceKeyOf({ kind, namespace: 'ns', name: 'x' })).toEqual(key);
  });
});

describe('a message is older than what is known', () => {
  const known = { uid: 'u1', generation: 2, resourceVersion: '20', creationTimestamp: '' };
  const told = (deletion: Declared['deletion'] = null): Declared => ({ desired: known, deletion });
  const asked = { uid: 'u1', resourceVersion: '25', gone: false };

  test.each<[string, Declared, Partial<Desired>, boolean, Desired?]>([
    ['by a lower generation', told(), { generation: 1 }, true],
    ['not by the same one', told(), {}, false],
    ['not by a higher one', told(), { generation: 3, resourceVersion: '1' }, false],
    ['not where nothing is known', { desired: null, deletion: null }, { generation: 1 }, false],
    ['not where it is another object', told(), { uid: 'u2', generation: 1 }, false],
    ['not by a lower version, where it is alive', told(), { resourceVersion: '10' }, false],
    ['as a tombstone by a lower generation', told(), { ...gone, generation: 1 }, true],
    ['as a tombstone by a lower version', told(), { ...gone, resourceVersion: '19' }, true],
    ['not as a tombstone of the same version', told(), gone, false],
    [
      'not as a tombstone of a higher generation and lower version',
      told(),
      { ...gone, generation: 3, resourceVersion: '1' },
      false,
    ],
    [
      'as a tombstone older than the last message',
      told(),
      { ...gone, resourceVersion: '21' },
      true,
      message({ resourceVersion: '22' }),
    ],
    [
      'not by the last message on another object',
      told(),
      { ...gone, resourceVersion: '21' },
      false,
      message({ uid: 'u2', resourceVersion: '22' }),
    ],
    ['as a tombstone older than the deletion', told(asked), { ...gone, resourceVersion: '24' }, true],
    ['not as a tombstone after the deletion', told(asked), { ...gone, resourceVersion: '25' }, false],
    [
      'where it declares what is being deleted, whatever its generation',
      told(asked),
      { generation: 3, resourceVersion: '24' },
      true,
    ],
    ['where it declares what is being deleted, at the same version', told(asked), { resourceVersion: '25' }, true],
    ['not where it declares it later, as after a mistaken deletion', told(asked), { resourceVersion: '26' }, false],
    [
      'not where it declares again what a tombstone took',
      told({ ...asked, gone: true }),
      { resourceVersion: '1' },
      false,
    ],
    ['not where it says of what is being deleted that it is', told(asked), { ...leaving, resourceVersion: '1' }, false],
    ['not by versions that are no numbers', told(), { ...gone, resourceVersion: '1x' }, false],
    ['not by versions that begin with none', told(), { ...gone, resourceVersion: 'x1' }, false],
    ['not by a missing version', told(), { ...gone, resourceVersion: '' }, false],
    [
      'not than a version that is no number',
      { desired: { ...known, resourceVersion: '9x' }, deletion: null },
      { ...gone, resourceVersion: '1' },
      false,
    ],
    [
      'not than a version that begins with none',
      { desired: { ...known, resourceVersion: 'x9' }, deletion: null },
      { ...gone, resourceVersion: '1' },
      false,
    ],
    ['by number, not by letters', told(), { ...gone, resourceVersion: '9' }, true],
  ])('%s', (_, declared, more, expected, last) => {
    expect(isStale(declared, last, message(more))).toBe(expected);
  });
});

const knowing = (...messages: Desired[]): Actor => {
  const actor = new TestMailbox().add('br0');
  for (const one of messages) for (const fact of newFacts(actor, one)) learn(actor, fact);
  return actor;
};

const deletion = (isGone: boolean) => ({
  type: 'DeletionRequested',
  data: { uid: 'u1', resourceVersion: '20', gone: isGone },
});

describe('a message is news', () => {
  const spec = {
    type: 'SpecChanged',
    data: {
      uid: 'u1',
      generation: 2,
      resourceVersion: '20',
      creationTimestamp: '2026-01-01T00:00:00Z',
      spec: bridgeSpec,
    },
  };

  test.each<[string, Desired[], Partial<Desired>, object[]]>([
    ['of an object that is not known', [], {}, [spec]],
    ['of another object', [message({ uid: 'u0' })], {}, [spec]],
    ['of another generation', [message({ generation: 1 })], {}, [spec]],
    ['of nothing, where only its version is another', [message({ resourceVersion: '1' })], {}, []],
    ['of an object that was said to be deleted', [message(), message(gone)], {}, [spec]],
    ['of a deletion', [message()], leaving, [deletion(false)]],
    ['of a deletion once', [message(), message(leaving)], leaving, []],
    ['of its end', [message(), message(leaving)], gone, [deletion(true)]],
    ['of its end at once', [message()], gone, [deletion(true)]],
    ['of its end once', [message(), message(gone)], gone, []],
    ['of nothing, where it is gone already', [message(), message(gone)], leaving, []],
    ['of an object that is being deleted', [], leaving, [spec, deletion(false)]],
    ['of nothing, where an object that was not known is gone', [], gone, []],
    ['of nothing, where another one is gone', [message({ uid: 'u0' })], gone, []],
    ['of another one that is being deleted', [message({ uid: 'u0' })], leaving, [spec, deletion(false)]],
  ])('%s', (_, before, more, facts) => {
    expect(newFacts(knowing(...before), message(more))).toEqual(facts);
  });

  test('by what is queued, too', () => {
    const actor = knowing();
    for (const fact of newFacts(actor, message())) actor.expect(fact);
    expect(newFacts(actor, message())).toEqual([]);
  });
});

const learned = (spec: object, more: object = {}): Actor => {
  const actor = new TestMailbox().declare('br0', spec, { uid: 'u1', generation: 2 });
  actor.snapshot = { ...actor.snapshot, context: { ...actor.snapshot.context, ...more } };
  return actor;
};

describe('a stored message is told again', () => {
  const wrong = { ...bridgeSpec, mtu: 'much' };
  const rolledBack = { proven: null, trial: null, rolledBack: { spec: bridgeSpec } };

  test.each<[string, Actor, Partial<Desired>, number]>([
    ['not where it is read as before', learned(bridgeSpec), {}, 0],
    ['where it is read otherwise', learned({ ...bridgeSpec, mtu: 1400 }), {}, 1],
    [
      'not where it is read otherwise, but is of another generation',
      learned({ ...bridgeSpec, mtu: 1400 }),
      { generation: 3 },
      0,
    ],
    ['not where it is of another object', learned({ ...bridgeSpec, mtu: 1400 }), { uid: 'u2' }, 0],
    ['not where the object is being deleted', learned({ ...bridgeSpec, mtu: 1400 }), leaving, 0],
    ['not where the object is gone', learned({ ...bridgeSpec, mtu: 1400 }), gone, 0],
    ['not where its deletion is known', learned({ ...bridgeSpec, mtu: 1400 }, { deletion: { uid: 'u1' } }), {}, 0],
    ['not where it was refused, and is', learned(wrong), { spec: wrong }, 0],
    ['where it was refused, and is not', learned(wrong), {}, 1],
    ['where it was not refused, and is', learned(bridgeSpec), { spec: wrong }, 1],
    [
      'not where it was rolled back, and is read as then',
      learned({ ...bridgeSpec, mtu: 1400 }, { confirm: rolledBack }),
      {},
      0,
    ],
    [
      'where it was rolled back, and is read otherwise',
      learned(bridgeSpec, { confirm: rolledBack }),
      { spec: { ...bridgeSpec, mtu: 1400 } },
      1,
    ],
    [
      'where there is a trial, and it is read otherwise',
      learned({ ...bridgeSpec, mtu: 1400 }, { confirm: { ...rolledBack, rolledBack: null } }),
      {},
      1,
    ],
    ['not to an actor that knows no object', new TestMailbox().add('br0'), {}, 0],
  ])('%s', (_, actor, more, count) => {
    const facts = rereadFacts(actor, message(more));
    expect(facts).toHaveLength(count);
    for (const fact of facts) expect(fact).toMatchObject({ type: 'SpecChanged', data: { generation: 2 } });
  });
});

const sealed = (version: string, text = 'a') => ({ ref: 'privateKey', version, sender: 's', sealed: text });

describe('two messages say the same of secrets', () => {
  const missing = { ref: 'psk:x', reason: 'SecretNotFound', message: 'no' };

  test.each<[string, Partial<Desired> | undefined, Partial<Desired>, boolean]>([
    ['where both name none', {}, {}, true],
    ['not where there was no message before', undefined, {}, false],
    [
      'where the versions are the same, however they were sealed',
      { secrets: [sealed('1', 'a')] },
      { secrets: [sealed('1', 'b')] },
      true,
    ],
    ['not where a version is another', { secrets: [sealed('1')] }, { secrets: [sealed('2')] }, false],
    ['not where a ref is another', { secrets: [sealed('1')] }, { secrets: [{ ...sealed('1'), ref: 'psk:x' }] }, false],
    ['not where one is missing now', {}, { missing: [missing] }, false],
    ['where the same is missing', { missing: [missing] }, { missing: [{ ...missing }] }, true],
  ])('%s', (_, before, after, expected) => {
    expect(sameSecrets(before && message(before), message(after))).toBe(expected);
  });
});
