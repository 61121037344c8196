import { TestClock } from '@ifactor/common/testing';
import { machineVersion } from '@ifactor/crds';
import { expect, test } from 'vitest';
import { TransitionError } from '../../interface/machine/fold.ts';
import { TestMailbox } from '../../testing/mailbox.ts';
import type { Fact } from './actor.ts';
import { EventRecorder } from './recorder.ts';
import { Lookups } from './lookups.ts';
import { Signal } from './signal.ts';

const journal = { node: 'n1', sequence: 10, eventId: (sequence: number) => `n1.j.${sequence}` };
const paused: Fact = { type: 'Paused', data: { by: 'mona' } };

test('an event says what happened, to whom, from what it follows, and what it made of the actor', () => {
  const recorder = new EventRecorder(journal, new TestClock());
  const mailbox = new TestMailbox();
  const actor = mailbox.declare('br0');
  const before = actor.snapshot;
  const { event, operations } = recorder.record(
    { actor, fact: paused, cause: { id: 'n1.j.3', correlation: 'u1@7' } },
    2,
  );
  expect(event).toEqual({
    ...paused,
    time: '2026-01-01T00:00:00.000Z',
    id: 'n1.j.13',
    sequence: 13,
    node: 'n1',
    key: actor.key,
    causationId: 'n1.j.3',
    correlationId: 'u1@7',
    state: actor.snapshot.value,
    machine: machineVersion,
  });
  expect(actor.snapshot).not.toBe(before);
  expect(actor.snapshot.context.paused).toMatchObject({ by: 'mona' });
  expect(operations).toEqual(actor.snapshot.context.operations);
  expect(actor.lastEvent).toEqual({ sequence: 13, type: 'Paused', time: event.time });
  expect(actor.unsaved).toBe(1);
});

test.each([
  ['begins a chain of its own without a cause', null, [null, 'n1.j.11']],
  ['has no event before it where an apply is the cause', { id: '', correlation: 'u1@7' }, [null, 'u1@7']],
])('an event %s', (_, cause, expected) => {
  const actor = new TestMailbox().declare('br0');
  const { event } = new EventRecorder(journal, new TestClock()).record({ actor, fact: paused, cause }, 0);
  expect([event.causationId, event.correlationId]).toEqual(expected);
});

test('a fact that the machine cannot fold changes nothing', () => {
  const actor = new TestMailbox().declare('br0');
  actor.snapshot = { ...actor.snapshot, value: 'of-no-version' as never };
  const { snapshot } = actor;
  const recorder = new EventRecorder(journal, new TestClock());
  expect(() => recorder.record({ actor, fact: paused, cause: null }, 0)).toThrow(TransitionError);
  expect([actor.snapshot, actor.lastEvent, actor.unsaved]).toEqual([snapshot, null, 0]);
});

test('each secret that is asked for is looked up where the spec says, and told with the cause', () => {
  const mailbox = new TestMailbox();
  const actor = mailbox.declare('br0');
  const asked: unknown[] = [];
  const cause = { id: 'e1', correlation: 'c1' };
  new Lookups(mailbox, {
    resolve: (key, ref, spec) => {
      asked.push([key, ref, spec]);
      return { type: 'SecretMissing', data: { ref, reason: 'NotDelivered' } };
    },
  }).secrets(actor, ['privateKey', 'psk:a'], cause);
  const { spec } = actor.snapshot.context;
  expect(asked).toEqual([
    [actor.key, 'privateKey', spec],
    [actor.key, 'psk:a', spec],
  ]);
  expect(mailbox.takeCaused()).toEqual([
    ['br0 SecretMissing', { ref: 'privateKey', reason: 'NotDelivered' }, cause],
    ['br0 SecretMissing', { ref: 'psk:a', reason: 'NotDelivered' }, cause],
  ]);
});

test('a signal reaches all that listen, in order, until they do not', () => {
  const signal = new Signal<number>();
  const heard: string[] = [];
  const stop = signal.subscribe((value) => heard.push(`a${value}`));
  signal.subscribe((value) => heard.push(`b${value}`));
  signal.emit(1);
  stop();
  signal.emit(2);
  expect(heard).toEqual(['a1', 'b1', 'b2']);
});
