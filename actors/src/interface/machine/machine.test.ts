import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { InterfaceEvent, ObservedLink, Operation, State } from '@ifactor/crds';
import {
  after as outcomeAfter,
  bridgeKey as key,
  bridgeLink,
  bridgeMark as mark,
  declared,
  looked,
  resolved as place,
  seen,
  timeAt,
} from '../../testing/given.ts';
import type { Given, Outcome } from '../../testing/given.ts';
import { fold, freeze, hashOf, initial, step, thaw } from './fold.ts';
import type { Context } from './context.ts';
import { successors } from './arrows.ts';
import { describeVerdict, verdictWords } from '../words/verdict.ts';

const addresses = [{ ipcidr: '10.0.0.1/24' }];
const link: ObservedLink = {
  ...bridgeLink,
  addresses: [{ family: 'inet', local: '10.0.0.1', peer: null, prefixlen: 24, noPrefixRoute: false }],
};
const spec = (generation = 1, more: object = {}): Given => declared(generation, { addresses, ...more });
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
  const { snapshot } = after(...healthy);

  it('of a version that knew less has the initial values of what came later', () => {
    const { taken: _, paused: __, ...less } = snapshot.context;
    expect(thaw({ machine: 3, value: snapshot.value, context: less as Context }).context).toEqual(snapshot.context);
    expect(hashOf(thaw({ machine: 3, value: snapshot.value, context: less as Context }))).toBe(hashOf(snapshot));
  });

  it('has a digest of everything it knows', () => {
    const other = { ...snapshot, context: { ...snapshot.context, listenPort: 1 } };
    expect(hashOf(other)).not.toBe(hashOf(snapshot));
    expect(
      hashOf({ ...snapshot, context: { ...snapshot.context, paused: { by: 'me', since: '2026-01-01T00:00:00Z' } } }),
    ).not.toBe(hashOf(snapshot));
  });
});

/** Folds events, and checks the laws of the lifecycle after each. */
function lawful(events: Given[]): void {
  let snapshot = initial(key);
  events.forEach(([type, data], at) => {
    const before = snapshot;
    const event = { type, data, time: timeAt(at * 1000) } as InterfaceEvent;
    const folded = fold(snapshot, event);
    snapshot = folded.snapshot;
    expect(snapshot).toEqual(step(before, event));
    const { context, value } = snapshot;
    // The state is the one that was decided, and the law allows the way there.
    expect(value).toBe(context.verdict.state);
    if (value !== before.value) expect(successors[before.value]).toContain(value);
    const performs = folded.operations.filter((operation) => operation.type === 'Perform');
    // One list of operations at a time, so never two links for one actor.
    expect(performs.length).toBeLessThanOrEqual(
      before.context.running !== null && context.running === before.context.running ? 0 : 1,
    );
    for (const { operations: list } of performs) {
      const found = context.observed?.links.target;
      const foreign = found && found.alias !== mark && (found.alias !== null || found.kind !== 'bridge');
      // Nothing is done to a link that is not ours.
      if (foreign) expect(list).toEqual([]);
    }
    // Whoever is not healthy says why.
    expect(verdictWords(context)).not.toBe('');
    // Whoever is not healthy is busy, waits for an answer, a timer or somebody, or is over.
    const { running, asked, failure, paused } = context;
    const waits =
      running ?? paused ?? failure ?? (asked.places || asked.observe || asked.secrets || context.confirm?.trial?.asked);
    const settled = ['configured', 'moved-to-netns', 'deleted', 'pending', 'failed'].includes(value);
    if (!settled) expect(waits).toBeTruthy();
    // A snapshot survives being stored.
    expect(hashOf(thaw(JSON.parse(JSON.stringify(freeze(snapshot)))))).toBe(hashOf(snapshot));
  });
}

describe('for any order of events', () => {
  const links = fc.constantFrom(
    null,
    link,
    { ...link, mtu: 1300 },
    { ...link, alias: null },
    { ...link, alias: 'ifactor:x/netlinkinterface/y' },
    { ...link, kind: 'veth' },
  );
  const observed = links.map(seen);
  const operations = fc.constantFrom('round-1', 'round-2', 'round-3', 'round-7');
  const anyEvent: fc.Arbitrary<Given> = fc.oneof(
    fc.integer({ min: 1, max: 4 }).map((generation) => spec(generation, { mtu: 1400 + (generation % 2) })),
    fc
      .integer({ min: 1, max: 4 })
      .map((generation) => spec(generation, { mtu: 1400 + generation, confirm: { timeoutSeconds: 10 } })),
    fc
      .integer({ min: 1, max: 4 })
      .map((generation): Given => ['ConfirmBegan', { generation, timeoutSeconds: 10, watched: ['nats'] }]),
    fc.integer({ min: 1, max: 4 }).map((generation): Given => ['SpecConfirmed', { generation }]),
    fc
      .integer({ min: 1, max: 4 })
      .map((generation): Given => ['SpecRolledBack', { generation, to: null, lost: ['nats'], seconds: 10 }]),
    fc.boolean().map((gone): Given => ['DeletionRequested', { uid: 'u1', resourceVersion: '5', gone }]),
    fc.constantFrom('42', '43').map((netns): Given => ['NetnsResolved', { slot: 'target', netns }]),
    fc.constant<Given>(['NetnsLost', { slot: 'target', reason: 'ContainerGone', message: 'gone' }]),
    observed.map((look): Given => ['LinkObserved', { observed: look }]),
    fc.tuple(observed, operations).map(([look, id]): Given => ['LinkObserved', { observed: look, operations: id }]),
    observed.map((look): Given => [
      'DriftObserved',
      { observed: look, drift: [{ field: 'mtu', wanted: 1, found: 2 }] },
    ]),
    fc.tuple(operations, fc.constantFrom('ENODEV', 'EPERM', 'EOPNOTSUPP', 'EEXIST')).map(([id, code]): Given => [
      'OperationFailed',
      {
        operations: id,
        operation: { type: 'AdoptLink', slot: 'target', name: 'br0', index: 3, mark },
        code,
        message: code,
      },
    ]),
    fc.constant<Given>(['TimerElapsed', { timer: 'retry' }]),
    fc.constant<Given>(['AgentStarted', { version: '1' }]),
    fc.constant<Given>(['NameTaken', { slot: 'target', name: 'br0', by: 'netlinkinterface/default/older' }]),
    fc.constant<Given>(['NameFreed', { slot: 'target', name: 'br0' }]),
    fc.constantFrom<Given>(['Paused', { by: 'x' }], ['Resumed', { by: 'x' }], ['ResyncRequested', { by: 'x' }]),
  );

  it('keeps to the law of the lifecycle', () => {
    fc.assert(fc.property(fc.array(anyEvent, { maxLength: 40 }), lawful), { numRuns: 400 });
  });

  it('gives the same decisions for the same log', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 30 }), (events) => {
        expect(hashOf(after(...events).snapshot)).toBe(hashOf(after(...events).snapshot));
      }),
      { numRuns: 100 },
    );
  });
});
