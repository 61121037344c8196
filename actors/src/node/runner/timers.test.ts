import { TestClock } from '@ifactor/common/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { TestMailbox } from '../../testing/mailbox.ts';
import type { Actor } from './actor.ts';
import { Timers } from './timers.ts';

const cause = { id: 'e1', correlation: 'c1' };

const elapsed = (timer: string) => ['br0 TimerElapsed', { timer }, cause];

describe('a timer of an actor', () => {
  let clock: TestClock;
  let mailbox: TestMailbox;
  let timers: Timers;
  let actor: Actor;
  beforeEach(() => {
    clock = new TestClock();
    mailbox = new TestMailbox();
    timers = new Timers(mailbox, clock);
    actor = mailbox.add('br0');
  });
  const start = (timer: string, milliseconds: number): void =>
    timers.start(actor, { type: 'StartTimer', timer, milliseconds }, cause);

  test('elapses once, in its time, with the cause of its start', async () => {
    start('retry', 1000);
    await clock.pass(999);
    expect(mailbox.take()).toEqual([]);
    expect(actor.timers.size).toBe(1);
    await clock.pass(1);
    expect(mailbox.takeCaused()).toEqual([elapsed('retry')]);
    expect(actor.timers.size).toBe(0);
    await clock.pass(10_000);
    expect(mailbox.take()).toEqual([]);
  });

  test('of the same name is replaced, and one of another name is not', async () => {
    start('retry', 1000);
    start('pause', 1000);
    start('retry', 3000);
    await clock.pass(2000);
    expect(mailbox.takeCaused()).toEqual([elapsed('pause')]);
    await clock.pass(1000);
    expect(mailbox.takeCaused()).toEqual([elapsed('retry')]);
  });

  test('that was stopped does not elapse; to stop one that is not there is nothing', async () => {
    start('retry', 1000);
    start('pause', 1000);
    timers.stop(actor, 'retry');
    timers.stop(actor, 'other');
    expect(actor.timers.keys()).toEqual(['pause']);
    await clock.pass(1000);
    expect(mailbox.takeCaused()).toEqual([elapsed('pause')]);
  });

  test('ends with its actor', async () => {
    start('retry', 1000);
    start('pause', 1000);
    timers.forget(actor);
    expect(actor.timers.size).toBe(0);
    await clock.pass(1000);
    expect(mailbox.take()).toEqual([]);
  });
});
