import { describe, expect, test } from 'vitest';
import type { InterfaceSpec, Operation } from '@ifactor/crds';
import { bridgeKey, bridgeLink as link, bridgeSpec, declared, looked, seen, timeAt } from '../../testing/given.ts';
import type { Given } from '../../testing/given.ts';
import { eventOf, knowing, newsOf } from '../../testing/known.ts';
import { address, rulesFor, wireguardKey } from '../../testing/rules.ts';
import type { Context } from './context.ts';
import { learn, respond } from './learn.ts';

const read = (more: object = {}): InterfaceSpec => rulesFor(bridgeKey, { ...bridgeSpec, ...more }).spec;
const desired = { uid: 'u1', generation: 4, resourceVersion: '4', creationTimestamp: timeAt(0) };
const places = { target: { netns: '42' } } as const;
const configured = { state: 'configured', finding: 'operationsDone', reason: 'Configured' } as const;
const known = (more: Partial<Context> = {}): Context =>
  knowing({ desired, spec: read(), places, observed: seen(link), verdict: configured, settled: true, ...more });
const narrow = seen({ ...link, mtu: 1300 });
const nothing: Given = ['JournalWentBack', {} as never, 9000];
/** What follows from what is known, nine seconds after the beginning. */
const conclude = (context: Context, given: Given = nothing): Context => respond(context, eventOf(given));

test('an actor that knows nothing waits, is not known to be ready, and has asked for nothing', () => {
  expect(knowing()).toEqual({
    key: bridgeKey,
    desired: null,
    spec: null,
    refused: null,
    deletion: null,
    paused: null,
    secrets: {},
    missing: {},
    places: {},
    taken: {},
    observed: null,
    endpoints: {},
    unresolved: {},
    listenPort: null,
    failure: null,
    attempts: 0,
    stuck: 0,
    drifts: [],
    settled: false,
    asked: { secrets: false, places: false, observe: false },
    running: null,
    round: 0,
    verdict: { state: 'pending', finding: 'nothingDeclared', reason: 'Unknown' },
    ready: { status: 'Unknown', since: '1970-01-01T00:00:00.000Z' },
    operations: [],
  });
});

describe('Ready', () => {
  const hold = { mode: 'Paused', since: timeAt(0) } as const;
  const pending = { ...configured, state: 'pending' } as const;
  const tentative = seen({ ...link, tentative: ['fd00::1'] });
  const trial = { generation: 4, asked: true, since: timeAt(0), watched: [], found: true };
  const rolledBack = { generation: 4, to: 3, spec: read(), lost: [], seconds: 9, found: true };

  test.each<[status: Context['ready']['status'], what: string, context: Context]>([
    ['True', 'as declared', known()],
    ['False', 'that differs', known({ observed: narrow })],
    ['False', 'that was never declared', knowing()],
    ['False', 'whose address is being checked', known({ observed: tentative })],
    ['False', 'whose spec was rolled back', known({ confirm: { proven: null, trial: null, rolledBack } })],
    ['Unknown', 'under trial', known({ confirm: { proven: null, trial, rolledBack: null } })],
    ['True', 'that is paused as declared', known({ hold })],
    ['Unknown', 'that is paused and differs', known({ hold, observed: narrow })],
    ['Unknown', 'that is paused and was not looked at', known({ hold, observed: null })],
    ['Unknown', 'that is paused before it was as declared', known({ hold, settled: false })],
    ['Unknown', 'that is paused before it was made', known({ hold, verdict: pending })],
    ['Unknown', 'that is paused while its address is being checked', known({ hold, observed: tentative })],
  ])('is %s of an interface %s', (status, _, context) => {
    expect(conclude({ ...context, ready: { status: 'True', since: timeAt(0) } }).ready).toEqual({
      status,
      since: timeAt(status === 'True' ? 0 : 9000),
    });
  });

  test('is Unknown of what is only observed and would change, if it was as declared before', () => {
    const observing = known({ hold: { mode: 'Observe', since: timeAt(0) }, observed: narrow });
    expect(conclude(observing).ready.status).toBe('False');
  });
});

describe('what follows', () => {
  const timer: Operation = { type: 'StartTimer', timer: 'retry', milliseconds: 1 };

  test('is performed as the next round, after timers that the event started', () => {
    const { operations, ...after } = conclude(known({ observed: narrow, round: 6, due: [timer] }));
    expect(operations).toMatchObject([timer, { type: 'Perform', id: 'round-7', operations: [{ type: 'ChangeLink' }] }]);
    expect(after).toMatchObject({
      round: 7,
      running: 'round-7',
      verdict: { state: 'drifted', finding: 'kernelDiffers' },
    });
    expect(after).not.toHaveProperty('due');
  });

  test('is asked for and remembered, beside what was asked for before', () => {
    const asked = { secrets: false, places: false, observe: false };
    expect(conclude(known({ observed: null })).asked).toEqual({ ...asked, observe: true });
    expect(conclude(known({ observed: null, places: {} })).asked).toEqual({ ...asked, places: true });
    const all = { secrets: true, places: true, observe: true };
    expect(conclude(known({ asked: all })).asked).toEqual(all);
    expect(conclude(known({ asked })).asked).toEqual(asked);
  });

  test('is asked for of secrets, too, and of addresses that another host had', () => {
    const spec = rulesFor(wireguardKey, { interfaceName: 'wg0', addresses: [], moveToContainer: false }).spec;
    const tunnel = { ...known({ spec, observed: null }), key: wireguardKey };
    expect(conclude(tunnel).asked).toEqual({ secrets: true, places: false, observe: false });
    const duplicate = seen({ ...link, addresses: [address('fd00::1/64')], duplicate: ['fd00::1'] });
    const again = known({
      observed: duplicate,
      spec: read({ addresses: [{ ipcidr: 'fd00::1/64' }] }),
      recheck: { times: 2, at: timeAt(0), due: true },
      stuck: 9,
    });
    expect(conclude(again)).toMatchObject({
      running: 'round-1',
      failure: null,
      verdict: configured,
      recheck: { times: 2, at: null, due: false },
    });
    const drifting = conclude({
      ...again,
      observed: { ...duplicate, links: { target: { ...duplicate.links.target!, mtu: 1300 } } },
      stuck: 0,
    });
    expect(drifting).toMatchObject({ running: 'round-1', recheck: { times: 2, due: true } });
  });

  test('is nothing while operations are in flight: the verdict stays', () => {
    const waiting = known({ running: 'round-1', observed: narrow });
    expect(newsOf(waiting, conclude(waiting))).toEqual({
      attempts: undefined,
      ready: { status: 'True', since: timeAt(9000) },
    });
  });

  test('of an interface as declared: what was tried until then is forgotten, a fight five minutes later', () => {
    const fight = { times: 2, last: timeAt(0) };
    const tried = known({ settled: false, attempts: 3, stuck: 2, fight });
    expect(conclude(tried)).toMatchObject({ settled: true, attempts: 0, stuck: 0, fight });
    expect(conclude(tried, ['JournalWentBack', {} as never, 300_000])).not.toHaveProperty('fight');
    const unseen = known({ settled: true, attempts: 3, stuck: 2, observed: null });
    expect(conclude(unseen)).toMatchObject({ attempts: 3, stuck: 2 });
  });

  test('of a paused interface: what was tried is remembered, and that it was as declared', () => {
    const hold = { mode: 'Paused', since: timeAt(0) } as const;
    expect(conclude(known({ hold, attempts: 3, stuck: 2 }))).toMatchObject({ settled: true, attempts: 3, stuck: 2 });
    expect(conclude(known({ hold, settled: false }))).toMatchObject({ settled: false });
  });

  test('of an interface that lacks something: it was not as declared', () => {
    const lost = known({ places: { target: { reason: 'ContainerGone' } } });
    expect(conclude(lost)).toMatchObject({ settled: false, verdict: { state: 'pending' } });
    expect(conclude(known({ observed: narrow }))).toMatchObject({ settled: true });
  });
});

describe('a kernel that takes all and keeps nothing', () => {
  test('is backed off from after five rounds, with what was to be done and what differs', () => {
    const making = {
      state: 'creating',
      finding: 'needsMet',
      reason: 'Creating',
      params: { fields: [], anew: [] },
    } as const;
    const tried = known({ observed: narrow, settled: false, stuck: 5, verdict: making });
    const { failure, verdict, operations, running } = conclude(tried);
    expect(failure).toEqual({
      code: 'NotConverging',
      work: { fields: ['mtu'], anew: [] },
      drift: [{ field: 'mtu', wanted: 1400, found: 1300 }],
      until: timeAt(10_000),
    });
    expect(verdict).toEqual({ state: 'failed', finding: 'operationRefused', reason: 'NotConverging' });
    expect([operations, running]).toEqual([[{ type: 'StartTimer', timer: 'retry', milliseconds: 1000 }], null]);
  });

  test('of a deletion has no fields, and says what remains only where that can be compared', () => {
    const deletion = { uid: 'u1', resourceVersion: '5', gone: false };
    const deleting = {
      state: 'deleting',
      finding: 'deletionAsked',
      reason: 'Deleting',
      params: { step: 'look' },
    } as const;
    const left = known({ deletion, stuck: 5, settled: false, verdict: deleting });
    expect(conclude(left)).toMatchObject({
      failure: { code: 'NotConverging', work: { fields: [], anew: [] }, drift: [], until: timeAt(10_000) },
      verdict: { state: 'deleting', reason: 'RemovalFailed' },
    });
  });
});

test('what the rules of a kind throw is a failure of the actor: tried again, and said where', () => {
  const broken = known({ observed: { links: { target: { alias: 3 } }, devices: {} } as never });
  expect(conclude(broken)).toMatchObject({
    failure: {
      code: 'InternalError',
      step: 'decide',
      text: expect.stringMatching(/./) as string,
      until: timeAt(10_000),
    },
    verdict: { state: 'failed', finding: 'operationRefused', reason: 'InternalError' },
    operations: [{ type: 'StartTimer', timer: 'retry', milliseconds: 1000 }],
  });
});

describe('a trial', () => {
  const spec = read({ confirm: { timeoutSeconds: 10 } });
  const trial = { generation: 4, asked: false, since: null, watched: [], found: true };
  const proven = { generation: 3, spec: read(), secrets: {}, listenPort: null };
  const tried = (more: object = {}, context: Partial<Context> = {}): Context =>
    known({ spec, settled: false, confirm: { proven, trial: { ...trial, ...more }, rolledBack: null }, ...context });
  const making = { state: 'creating', finding: 'lookedUpAgain', reason: 'Confirming' } as const;

  test('is asked about once', () => {
    const asking = conclude(tried({}, { observed: narrow, verdict: making }));
    expect(asking.operations).toMatchObject([{ type: 'BeginConfirm' }]);
    expect(asking.confirm?.trial).toEqual({ ...trial, asked: true });
    const again = conclude({ ...asking, operations: [] });
    expect([again.operations, again.confirm?.trial?.asked]).toEqual([[], true]);
  });

  test('that waits for something else is not asked about', () => {
    const waiting = conclude(tried({}, { observed: null, verdict: making }));
    expect(waiting.operations).toEqual([{ type: 'Observe' }]);
    expect(waiting.confirm?.trial).toEqual(trial);
  });

  test('is over where the kernel is as declared before it began', () => {
    expect(conclude(tried()).confirm).toMatchObject({ trial: null, proven: { generation: 4 } });
    const begun = tried({ since: timeAt(0) });
    expect(conclude(begun).confirm).toBe(begun.confirm);
  });

  test.each<[what: string, given: Given, context: Context, operations: object[]]>([
    ['of another event', nothing, tried({ since: timeAt(0) }), []],
    ['that has not begun', ['AgentStarted', { version: 'x' }], tried({}, { settled: true }), []],
    [
      'that is over',
      ['AgentStarted', { version: 'x' }],
      known({ spec, confirm: { proven, trial: null, rolledBack: null } }),
      [],
    ],
    [
      'of a spec that asks for none',
      ['AgentStarted', { version: 'x' }],
      tried({ since: timeAt(0) }, { spec: read() }),
      [],
    ],
    ['of no spec', ['AgentStarted', { version: 'x' }], tried({ since: timeAt(0) }, { spec: null }), []],
    ['of an actor that has none', ['AgentStarted', { version: 'x' }], known(), []],
    [
      'that began',
      ['ConfirmBegan', {} as never],
      tried({ since: timeAt(0) }),
      [
        {
          type: 'AwaitConfirm',
          generation: 4,
          since: timeAt(0),
          timeoutSeconds: 10,
          watched: [],
          probe: null,
          to: 3,
          resumed: false,
        },
      ],
    ],
    [
      'that goes on after a start, with nothing to go back to',
      ['AgentStarted', { version: 'x' }],
      tried(
        { since: timeAt(0), watched: ['nats'] },
        {
          spec: read({ confirm: { timeoutSeconds: 8, probe: '192.0.2.1' } }),
          confirm: { proven: null, trial: { ...trial, since: timeAt(0), watched: ['nats'] }, rolledBack: null },
        },
      ),
      [
        {
          type: 'AwaitConfirm',
          generation: 4,
          since: timeAt(0),
          timeoutSeconds: 8,
          watched: ['nats'],
          probe: '192.0.2.1',
          to: null,
          resumed: true,
        },
      ],
    ],
  ])('%s is watched as that asks for', (_, given, context, operations) => {
    expect(conclude(context, given).operations).toEqual(operations);
  });
});

test('one step is what an event changes and what follows from that', () => {
  const before = learn(
    learn(knowing(), eventOf(declared())),
    eventOf(['NetnsResolved', { slot: 'target', netns: '42' }]),
  );
  expect(before.operations).toEqual([{ type: 'Observe' }]);
  expect(learn(before, eventOf(looked(link)))).toMatchObject({ verdict: configured, operations: [], settled: true });
});
