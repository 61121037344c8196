import { describe, expect, test } from 'vitest';
import { bridgeSpec, learn, TestMailbox } from '../../testing/mailbox.ts';
import { claimedNames, soundSpec } from './actor.ts';
import type { Actor, Fact } from './actor.ts';

const changed = (generation: number, uid = 'u1'): Fact => ({
  type: 'SpecChanged',
  data: { uid, generation, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', spec: bridgeSpec as never },
});
const deletion: Fact = { type: 'DeletionRequested', data: { uid: 'u1', resourceVersion: '2', gone: false } };
const other: Fact = { type: 'ResyncRequested', data: { by: 'test' } };
const fresh = (): Actor => new TestMailbox().add('br0');

const known = ({ declared: { desired, deletion: gone } }: Actor) => [desired?.generation ?? null, gone?.uid ?? null];

describe('the declared object, as an actor knows it', () => {
  test.each<[string, Fact[], unknown[]]>([
    ['nothing is known at first', [], [null, null]],
    ['a queued spec counts', [changed(1)], [1, null]],
    ['the last queued spec counts', [changed(1), changed(2)], [2, null]],
    ['a queued deletion counts', [changed(1), deletion], [1, 'u1']],
    ['a spec after a deletion ends it', [changed(1), deletion, changed(2)], [2, null]],
    ['other facts say nothing of it', [changed(1), other], [1, null]],
  ])('%s', (_, facts, expected) => {
    const actor = fresh();
    for (const fact of facts) actor.expect(fact);
    expect(known(actor)).toEqual(expected);
    expect(actor.declared).not.toHaveProperty('desired.spec');
  });

  test('is what was folded, once no queued fact is about it', () => {
    const actor = fresh();
    for (const fact of [changed(1), deletion]) actor.expect(fact);
    actor.folds(changed(1));
    learn(actor, changed(1));
    for (let times = 0; times < 2; times++) actor.folds(other);
    expect(known(actor)).toEqual([1, 'u1']);
    // As where the fold of the deletion failed: it is not known any more.
    actor.folds(deletion);
    expect(actor.declared).toBe(actor.snapshot.context);
    expect(known(actor)).toEqual([1, null]);
    actor.folds(deletion);
    actor.expect(deletion);
    expect(known(actor)).toEqual([1, 'u1']);
  });

  test('before it is read, a fact that was never queued changes nothing', () => {
    const actor = fresh();
    actor.folds(changed(1));
    expect(actor.declared).toBe(actor.snapshot.context);
    actor.expect(other);
    expect(actor.declared).toBe(actor.snapshot.context);
  });
});

const cancel = (): void => undefined;

describe('an actor at rest', () => {
  test('is packed at the second call without a read in between, and once', () => {
    const actor = fresh();
    expect([actor.packIfIdle(), actor.packIfIdle(), actor.packIfIdle()]).toEqual([false, true, false]);
    expect(actor.snapshot.value).toBe('pending');
    expect([actor.packIfIdle(), actor.packIfIdle()]).toEqual([false, true]);
    expect(actor.lastEvent).toBeNull();
    expect([actor.packIfIdle(), actor.packIfIdle()]).toEqual([false, true]);
    actor.lastEvent = { sequence: 7, type: 'Resumed', time: '2026' };
    expect(actor.packIfIdle()).toBe(false);
    expect(actor.lastEvent).toEqual({ sequence: 7, type: 'Resumed', time: '2026' });
  });

  test('keeps its timers', () => {
    const actor = fresh();
    actor.timers.set('retry', cancel);
    const { timers } = actor;
    actor.packIfIdle();
    expect(actor.packIfIdle()).toBe(true);
    expect(actor.timers.get('retry')).toBe(cancel);
    actor.timers.delete('retry');
    expect(actor.timers).toBe(timers);
    // An empty list of timers is not kept.
    void actor.snapshot;
    actor.packIfIdle();
    actor.packIfIdle();
    expect(actor.timers).not.toBe(timers);
  });
});

describe('the names that an actor claims', () => {
  const netns = { id: '7' } as never;

  test('are those of its spec in the places that are open', () => {
    const mailbox = new TestMailbox();
    const spec = { interfaceName: 've0', type: 'veth', up: true, veth: { peer: { interfaceName: 've1' } } };
    const actor = mailbox.declare('ve', spec);
    expect(claimedNames(actor)).toEqual([]);
    actor.netns.set('peer', netns);
    expect(claimedNames(actor)).toEqual([{ slot: 'peer', netns, name: 've1' }]);
    expect(soundSpec(actor)?.spec).toMatchObject({ interfaceName: 've0' });
  });

  test('do not exist without a spec', () => {
    const actor = fresh();
    actor.netns.set('target', netns);
    expect(soundSpec(actor)).toBeNull();
    expect(claimedNames(actor)).toEqual([]);
  });
});
