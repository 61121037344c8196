import { describe, expect, test } from 'vitest';
import { TestMailbox } from '../../testing/mailbox.ts';
import type { Fact } from './actor.ts';
import { DeferredFacts } from './deferredFacts.ts';

const mailbox = new TestMailbox();
const [one, two] = [mailbox.add('one'), mailbox.add('two')];
const observed = { links: {}, strays: [], devices: {} };
const netns = (slot: 'home' | 'target', id: string): Fact => ({ type: 'NetnsResolved', data: { slot, netns: id } });
const noNetns: Fact = { type: 'NetnsLost', data: { slot: 'home', reason: 'ContainerGone' } };
const secret = (ref: string, version: string): Fact => ({
  type: 'SecretResolved',
  data: { ref, version, fingerprint: 'f' },
});
const noSecret: Fact = { type: 'SecretMissing', data: { ref: 'psk:a', reason: 'NotDelivered' } };
const timer = (name: string): Fact => ({ type: 'TimerElapsed', data: { timer: name } });
const paused: Fact = { type: 'Paused', data: { by: 'mona' } };
const resumed: Fact = { type: 'Resumed', data: { by: 'mona' } };
const resync: Fact = { type: 'ResyncRequested', data: { by: 'mona' } };
const look: Fact = { type: 'LinkObserved', data: { observed } };
const outcome: Fact = { type: 'LinkObserved', data: { observed, operations: 'round-1' } };
const drift: Fact = { type: 'DriftObserved', data: { observed, drift: [] } };
const failed: Fact = { type: 'StepFailed', data: { step: 'fold', message: 'no' } };

function kept(facts: readonly Fact[]): readonly Fact[] {
  const deferred = new DeferredFacts();
  for (const fact of facts) deferred.add({ actor: one, fact, cause: null });
  return deferred.take().map(({ fact }) => fact);
}

describe('of facts that wait', () => {
  test.each<[string, Fact, Fact]>([
    ['where a slot is', netns('home', '1'), netns('home', '2')],
    ['that its place is gone', netns('home', '1'), noNetns],
    ['that its place is back', noNetns, netns('home', '1')],
    ['what a secret is', secret('psk:a', '1'), secret('psk:a', '2')],
    ['that a secret is missing', secret('psk:a', '1'), noSecret],
    ['that a secret is there', noSecret, secret('psk:a', '1')],
    ['a timer', timer('retry'), timer('retry')],
    ['a pause', paused, paused],
    ['the end of a pause', paused, resumed],
    ['a pause after another', resumed, paused],
    ['a request to look', resync, resync],
    ['a look', look, look],
    ['a look that shows drift', look, drift],
    ['a look that shows none any more', drift, look],
  ])('the last word on %s counts', (_, former, latter) => {
    expect(kept([former, latter])).toEqual([latter]);
  });

  test.each<[string, Fact, Fact]>([
    ['two slots', netns('home', '1'), netns('target', '1')],
    ['two secrets', secret('psk:a', '1'), secret('psk:b', '1')],
    ['two timers', timer('retry'), timer('pause')],
    ['a pause and a request to look', paused, resync],
    ['what was done', outcome, outcome],
    ['what was done and a look', outcome, look],
    ['a look and what was done', look, outcome],
    ['failures', failed, failed],
  ])('both are kept, in order: %s', (_, former, latter) => {
    expect(kept([former, latter])).toEqual([former, latter]);
  });

  test('each actor has its own, in the order of the last words; taken once', () => {
    const deferred = new DeferredFacts();
    const cause = { id: 'e1', correlation: 'c1' };
    deferred.add({ actor: one, fact: resync, cause: null });
    deferred.add({ actor: two, fact: resync, cause });
    deferred.add({ actor: one, fact: paused, cause: null });
    deferred.add({ actor: one, fact: resync, cause });
    expect(deferred.take()).toEqual([
      { actor: two, fact: resync, cause },
      { actor: one, fact: paused, cause: null },
      { actor: one, fact: resync, cause },
    ]);
    expect(deferred.take()).toEqual([]);
  });
});
