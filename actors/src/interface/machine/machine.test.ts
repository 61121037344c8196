import { describe, expect, it } from 'vitest';
import type { Operation, State } from '@ifactor/crds';
import {
  addressed as spec,
  addressedLink as link,
  after as outcomeAfter,
  bridgeMark as mark,
  looked,
  resolved as place,
  seen,
} from '../../testing/given.ts';
import type { Given, Outcome } from '../../testing/given.ts';
import { hashOf, thaw } from './fold.ts';
import type { Context } from './context.ts';
import { describeVerdict, verdictWords } from '../words/verdict.ts';

const healthy: Given[] = [spec(), place, looked(link)];

function after(...events: Given[]): Outcome & { state: State } {
  const outcome = outcomeAfter(...events);
  return { ...outcome, state: outcome.snapshot.value };
}

describe('given, when, then', () => {
  it('asks where its netns is, then looks, then makes what is missing', () => {
    expect(after(spec())).toMatchObject({
      state: 'pending',
      operations: [{ type: 'ResolveNetns', slots: ['target'] }],
    });
    expect(after(spec(), place)).toMatchObject({ state: 'pending', operations: [{ type: 'Observe' }] });
    const { state, operations } = after(spec(), place, ['LinkObserved', { observed: seen(null) }]);
    expect(state).toBe('creating');
    expect(operations).toMatchObject([
      {
        type: 'Perform',
        id: 'round-1',
        operations: [{ type: 'CreateLink', name: 'br0', mark, mtu: 1400, up: true }, { type: 'AddAddress' }],
      },
    ]);
  });

  it('adopts a link that is as declared without touching it', () => {
    expect(after(...healthy)).toMatchObject({ state: 'configured', operations: [] });
  });

  it('repairs drift, and only what differs', () => {
    const observed = seen({ ...link, mtu: 1300 });
    const drift = [{ field: 'mtu', wanted: 1400, found: 1300 }];
    const { state, operations } = after(...healthy, ['DriftObserved', { observed, drift }]);
    expect(state).toBe('drifted');
    expect(operations).toMatchObject([
      { type: 'Perform', operations: [{ type: 'ChangeLink', change: { mtu: 1400 } }] },
    ]);
  });

  it('does nothing when an equal spec is applied again', () => {
    expect(after(...healthy, spec(2))).toMatchObject({ state: 'configured', operations: [] });
  });

  it('looks again when the spec changes, and stays ready to be compared', () => {
    expect(after(...healthy, spec(2, { mtu: 1300 }))).toMatchObject({
      state: 'creating',
      operations: [{ type: 'Observe' }],
    });
  });

  it('names the field of a spec that breaks its schema', () => {
    const { snapshot, state } = after(spec(1, { mtu: 5 }));
    expect(state).toBe('failed');
    expect(describeVerdict(snapshot.context)).toMatchObject({
      reason: 'InvalidSpec',
      message: expect.stringContaining('spec.mtu'),
    });
  });

  it('does not retry what the kernel does not have', () => {
    const made = after(spec(), place, ['LinkObserved', { observed: seen(null) }]).operations[0] as Operation & {
      type: 'Perform';
    };
    const failed: Given = [
      'OperationFailed',
      {
        operations: made.id,
        operation: made.operations[0]!,
        code: 'EOPNOTSUPP',
        message: 'no such kind',
        module: 'bridge',
      },
    ];
    const { state, operations, snapshot } = after(spec(), place, ['LinkObserved', { observed: seen(null) }], failed);
    expect(state).toBe('failed');
    expect(operations).toEqual([]);
    expect(snapshot.context.verdict.reason).toBe('KernelUnsupported');
  });

  it('backs off from what fails, longer each time, and says until when', () => {
    const events: Given[] = [spec(), place, ['LinkObserved', { observed: seen(null) }]];
    const waits: number[] = [];
    for (let round = 1; round <= 8; round++) {
      const perform = after(...events).operations.find(({ type }) => type === 'Perform') as Operation & {
        type: 'Perform';
      };
      events.push([
        'OperationFailed',
        { operations: perform.id, operation: perform.operations[0]!, code: 'EPERM', message: 'not permitted' },
      ]);
      const { operations, state, snapshot } = after(...events);
      expect(state).toBe('failed');
      expect(verdictWords(snapshot.context)).toMatch(/retrying at 2026-/);
      const timer = operations.find(({ type }) => type === 'StartTimer') as Operation & { type: 'StartTimer' };
      waits.push(timer.milliseconds);
      events.push(['TimerElapsed', { timer: timer.timer }], ['LinkObserved', { observed: seen(null) }]);
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000]);
  });

  it('ignores results of operations that are over', () => {
    const late: Given = ['LinkObserved', { observed: seen(null), operations: 'round-99' }];
    expect(hashOf(after(...healthy, late).snapshot)).toBe(hashOf(after(...healthy).snapshot));
  });

  it('stops fighting another program, and names the field', () => {
    const observed = seen({ ...link, mtu: 1300 });
    const events = [...healthy];
    for (let times = 0; times < 10; times++) {
      events.push(['DriftObserved', { observed, drift: [{ field: 'mtu', wanted: 1400, found: 1300 }] }]);
      const { snapshot } = after(...events);
      if (snapshot.context.running !== null)
        events.push(['LinkObserved', { observed: seen(link), operations: snapshot.context.running }]);
    }
    const { state, snapshot } = after(...events);
    expect(state).toBe('failed');
    expect(describeVerdict(snapshot.context)).toMatchObject({
      reason: 'Contested',
      message: expect.stringContaining('undoes mtu: 10 times'),
    });
  });

  it('waits longer for each fight in a row, though there is peace in between, and forgets it in time', () => {
    const observed = seen({ ...link, mtu: 1300 });
    const events = [...healthy];
    const waits: number[] = [];
    for (let round = 0; round < 60 && waits.length < 4; round++) {
      events.push(['DriftObserved', { observed, drift: [{ field: 'mtu', wanted: 1400, found: 1300 }] }]);
      const { snapshot, operations } = after(...events);
      const { running } = snapshot.context;
      const timer = operations.find((operation) => operation.type === 'StartTimer');
      if (timer) waits.push(timer.milliseconds);
      if (timer) events.push(['TimerElapsed', { timer: timer.timer }], ['LinkObserved', { observed: seen(link) }]);
      else if (running !== null) events.push(['LinkObserved', { observed: seen(link), operations: running }]);
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000]);
    expect(after(...events).snapshot.context.fight?.times).toBe(4);
    const quiet = Array.from({ length: 310 }, (): Given => ['SecretMissing', { ref: 'x', reason: 'x', message: 'x' }]);
    expect(after(...events, ...quiet).snapshot.context).not.toHaveProperty('fight');
    expect(after(...events, spec(2, { mtu: 1300 })).snapshot.context).not.toHaveProperty('fight');
  });

  it('names a program that undoes faster than it can be looked at', () => {
    const observed = seen({ ...link, mtu: 1300 });
    const events: Given[] = [
      ...healthy,
      ['DriftObserved', { observed, drift: [{ field: 'mtu', wanted: 1400, found: 1300 }] }],
    ];
    for (let round = 0; round < 5; round++)
      events.push(['LinkObserved', { observed, operations: after(...events).snapshot.context.running! }]);
    const { state, snapshot } = after(...events);
    expect(state).toBe('failed');
    expect(describeVerdict(snapshot.context)).toMatchObject({
      reason: 'Contested',
      message: expect.stringContaining('undoes mtu as soon as it is set'),
    });
  });

  it('goes on calling it a fight after a wait in which nothing drifted any more', () => {
    const observed = seen({ ...link, mtu: 1300 });
    const events = [...healthy];
    for (let times = 0; times < 10; times++) {
      events.push(['DriftObserved', { observed, drift: [{ field: 'mtu', wanted: 1400, found: 1300 }] }]);
      const { running } = after(...events).snapshot.context;
      if (running !== null) events.push(['LinkObserved', { observed: seen(link), operations: running }]);
    }
    events.push(['TimerElapsed', { timer: 'retry' }], ['LinkObserved', { observed }]);
    for (let round = 0; round < 5; round++)
      events.push(['LinkObserved', { observed, operations: after(...events).snapshot.context.running! }]);
    const { context } = after(...events).snapshot;
    expect(describeVerdict(context)).toMatchObject({
      reason: 'Contested',
      message: expect.stringContaining('undoes mtu as soon as it is set'),
    });
    expect(context.fight?.times).toBe(2);
  });

  it('gives up on a kernel that takes everything and keeps nothing', () => {
    const events: Given[] = [spec(), place, ['LinkObserved', { observed: seen(null) }]];
    for (let round = 0; round < 5; round++) {
      const { running } = after(...events).snapshot.context;
      if (running !== null)
        events.push(['LinkObserved', { observed: seen({ ...link, mtu: 1500 }), operations: running }]);
    }
    const { state, snapshot } = after(...events);
    expect(state).toBe('failed');
    expect(snapshot.context.failure?.code).toBe('NotConverging');
  });

  it('removes only its own link when it is deleted', () => {
    const deletion: Given = ['DeletionRequested', { uid: 'u1', resourceVersion: '9', gone: false }];
    const own = after(...healthy, deletion, ['LinkObserved', { observed: seen(link) }]);
    expect(own).toMatchObject({ state: 'deleting', operations: [{ operations: [{ type: 'RemoveLink', index: 3 }] }] });
    const foreign = after(...healthy, deletion, [
      'LinkObserved',
      { observed: seen({ ...link, alias: 'ifactor:other/netlinkinterface/br0' }) },
    ]);
    expect(foreign).toMatchObject({ state: 'deleted', operations: [] });
  });

  it('does nothing while it is paused, and looks again afterwards', () => {
    const observed = seen({ ...link, up: false });
    const paused: Given[] = [...healthy, ['Paused', { by: 'me' }], ['DriftObserved', { observed, drift: [] }]];
    expect(after(...paused).operations).toEqual([]);
    expect(after(...paused, ['Resumed', { by: 'me' }]).operations).toEqual([{ type: 'Observe' }]);
  });
});

describe('a stored snapshot', () => {
  it('of a version that knew less has the initial values of what came later', () => {
    const { snapshot } = after(...healthy);
    const { taken: _, paused: __, ...less } = snapshot.context;
    expect(thaw({ machine: 3, value: snapshot.value, context: less as Context }).context).toEqual(snapshot.context);
    expect(hashOf(thaw({ machine: 3, value: snapshot.value, context: less as Context }))).toBe(hashOf(snapshot));
  });

  it('has a digest of everything it knows', () => {
    const { snapshot } = after(...healthy);
    const other = { ...snapshot, context: { ...snapshot.context, listenPort: 1 } };
    expect(hashOf(other)).not.toBe(hashOf(snapshot));
    expect(
      hashOf({ ...snapshot, context: { ...snapshot.context, paused: { by: 'me', since: '2026-01-01T00:00:00Z' } } }),
    ).not.toBe(hashOf(snapshot));
  });
});
