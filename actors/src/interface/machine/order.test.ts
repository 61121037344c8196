import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { InterfaceEvent } from '@ifactor/crds';
import {
  addressed as spec,
  addressedLink as link,
  after,
  bridgeKey as key,
  bridgeMark as mark,
  seen,
  timeAt,
} from '../../testing/given.ts';
import type { Given } from '../../testing/given.ts';
import { verdictWords } from '../words/verdict.ts';
import { successors } from './arrows.ts';
import { fold, freeze, hashOf, initial, step, thaw } from './fold.ts';

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
