import { describe, expect, test } from 'vitest';
import type { InterfaceSpec, ObservedLink, Reach } from '@ifactor/crds';
import {
  after,
  bridgeKey,
  bridgeLink,
  bridgeSpec,
  declared,
  looked,
  resolved,
  seen,
  tell,
  timeAt,
  told,
} from '../../testing/given.ts';
import type { Given } from '../../testing/given.ts';
import { knowing } from '../../testing/known.ts';
import { rulesFor, wireguardKey } from '../../testing/rules.ts';
import { confirmAfter, confirmBegan, confirmed, isPinned, judge, rolledBack, trialOf } from './confirm.ts';
import type { Confirm, Proven, Trial } from './confirm.ts';
import type { Context } from './context.ts';

const confirm = { timeoutSeconds: 10 };
const read = (more: object = {}): InterfaceSpec => rulesFor(bridgeKey, { ...bridgeSpec, ...more }).spec;
const desired = { uid: 'u1', generation: 4, resourceVersion: '4', creationTimestamp: timeAt(0) };
const trial: Trial = { generation: 4, asked: true, since: null, watched: [], found: false };
const proven: Proven = { generation: 3, spec: read({ mtu: 1300 }), secrets: { privateKey: 'f0' }, listenPort: 7 };
const none: Confirm = { proven: null, trial: null, rolledBack: null };
const back = { generation: 4, to: 3, spec: read(), lost: [], seconds: 10, found: true };
const settled: Context = knowing({ desired, spec: read({ confirm }), settled: true, listenPort: 9 });
const now: Proven = { generation: 4, spec: read({ confirm }), secrets: {}, listenPort: 9 };

describe('what is kept of a spec that another one replaces', () => {
  const next = read({ mtu: 1200, confirm });
  const begun: Trial = { generation: 5, asked: false, since: null, watched: [], found: false };

  test.each<[what: string, before: Context, spec: InterfaceSpec | null, known: Confirm | undefined]>([
    ['nothing, where neither asks for confirmation', knowing({ spec: read() }), read({ mtu: 1300 }), undefined],
    ['nothing, where neither did and the next breaks its schema', knowing({ spec: read() }), null, undefined],
    ['the spec that worked', settled, next, { ...none, proven: now, trial: begun }],
    [
      'the spec that worked, where the next asks for none',
      { ...settled, confirm: none },
      read(),
      { ...none, proven: now },
    ],
    ['and where the next breaks its schema', { ...settled, confirm: none }, null, { ...none, proven: now }],
    ['no spec, where it was not as declared', { ...settled, settled: false }, next, { ...none, trial: begun }],
    ['no spec, of an actor without one', knowing(), next, { ...none, trial: begun }],
    ['no spec of an unknown generation', { ...settled, desired: null }, next, { ...none, trial: begun }],
    ['no spec that is missing', { ...settled, spec: null }, next, { ...none, trial: begun }],
    [
      'the one before a trial',
      { ...settled, confirm: { ...none, proven, trial } },
      next,
      { ...none, proven, trial: begun },
    ],
    [
      'the one that was rolled back to',
      { ...settled, confirm: { ...none, proven, rolledBack: back } },
      next,
      { ...none, proven, trial: begun },
    ],
    [
      'the one before what its schema refuses now',
      { ...settled, spec: { type: 'bridge' } as never, confirm: { ...none, proven } },
      next,
      { ...none, proven, trial: begun },
    ],
  ])('%s', (_, before, spec, known) => {
    expect(confirmAfter(before, 5, spec)).toEqual(known);
  });

  test('with the secrets that it used, and no others', () => {
    const spec = rulesFor(wireguardKey, { interfaceName: 'wg0', addresses: [], moveToContainer: false, confirm }).spec;
    const tunnel = knowing({ desired, spec, settled: true, secrets: { privateKey: 'f1', former: 'f2' } }, wireguardKey);
    expect(confirmAfter(tunnel, 5, next)?.proven?.secrets).toEqual({ privateKey: 'f1' });
    expect(confirmAfter({ ...tunnel, secrets: {} }, 5, next)?.proven?.secrets).toEqual({});
  });
});

describe('a trial', () => {
  test('is that of a generation', () => {
    const context = knowing({ confirm: { ...none, trial } });
    expect(trialOf(context, 4)).toBe(trial);
    expect([trialOf(context, 5), trialOf(knowing({ confirm: none }), 4), trialOf(knowing(), 4)]).toEqual([
      null,
      null,
      null,
    ]);
  });

  const link = { ...bridgeLink } satisfies ObservedLink;
  const data = { generation: 4, timeoutSeconds: 10, watched: ['nats'] as Reach[] };
  test.each<[what: string, observed: Context['observed'], found: boolean]>([
    ['with its link', seen(link), true],
    ['with one of its links', { ...seen(link), links: { target: null, peer: link } }, true],
    ['without a link', { ...seen(null), links: { target: null, peer: null } }, false],
    ['with nothing known: so that nothing is taken away', null, true],
  ])('begins %s', (_, observed, found) => {
    const context = knowing({ confirm: { ...none, trial }, observed });
    const begun = { ...trial, since: timeAt(5), watched: ['nats'], found };
    expect(confirmBegan(context, timeAt(5), data)).toEqual({ ...context, confirm: { ...none, trial: begun } });
  });

  test.each<[what: string, known: Confirm | undefined]>([
    ['another', { ...none, trial: { ...trial, generation: 5 } }],
    ['none', none],
    ['none that ever was', undefined],
    ['one that has begun', { ...none, trial: { ...trial, since: timeAt(1) } }],
  ])('does not begin where it is %s', (_, known) => {
    const context = knowing(known ? { confirm: known } : {});
    expect(confirmBegan(context, timeAt(5), data)).toBe(context);
  });

  test('that is confirmed leaves its spec as the one that worked', () => {
    const context: Context = { ...settled, confirm: { ...none, proven, trial } };
    expect(confirmed(context)).toEqual({ ...context, confirm: { ...none, proven: now } });
    const unlike: Context = { ...context, settled: false };
    expect(confirmed(unlike)).toEqual({ ...unlike, confirm: { ...none, proven } });
    for (const over of [knowing(), knowing({ confirm: none })]) expect(confirmed(over)).toBe(over);
  });
});

describe('a rollback', () => {
  const data = { generation: 4, to: 3, lost: ['nats'] as Reach[], seconds: 10 };
  const tried: Context = {
    ...settled,
    settled: false,
    secrets: { privateKey: 'f1', psk: 'f2' },
    confirm: { ...none, proven, trial: { ...trial, found: true } },
  };
  const rolled = { generation: 4, to: 3, spec: read({ confirm }), lost: ['nats'], seconds: 10, found: true };

  test('puts the spec that worked in force, with its port and its secrets', () => {
    expect(rolledBack(tried, data)).toEqual({
      context: {
        ...tried,
        confirm: { proven, trial: null, rolledBack: rolled },
        listenPort: 7,
        secrets: { privateKey: 'f0', psk: 'f2' },
      },
      spec: proven.spec,
    });
  });

  test('to nothing leaves no spec in force', () => {
    const first: Context = { ...tried, confirm: { ...none, trial } };
    expect(rolledBack(first, data)).toEqual({
      context: { ...first, confirm: { ...none, rolledBack: { ...rolled, to: null, found: false } } },
      spec: null,
    });
  });

  test.each<[what: string, context: Context]>([
    ['another generation', { ...tried, confirm: { ...none, trial: { ...trial, generation: 5 } } }],
    ['a trial that is over', { ...tried, confirm: none }],
    ['no trial', settled],
    ['no spec', { ...tried, spec: null }],
  ])('of %s is no news', (_, context) => {
    expect(rolledBack(context, data)).toBeNull();
  });

  test('keeps the secrets of the spec in force, whatever is delivered for the declared one', () => {
    const known = { ...none, proven, rolledBack: back };
    expect(isPinned(knowing({ confirm: known }), 'privateKey')).toBe(true);
    expect(isPinned(knowing({ confirm: known }), 'psk')).toBe(false);
    expect(isPinned(knowing({ confirm: { ...known, proven: null } }), 'privateKey')).toBe(false);
    expect(isPinned(knowing({ confirm: { ...known, rolledBack: null } }), 'privateKey')).toBe(false);
    expect(isPinned(knowing(), 'privateKey')).toBe(false);
  });
});

const reached = (...at: (number | null)[]): ReadonlyMap<Reach, number | null> =>
  new Map(at.map((time, index) => [(['nats', 'probe'] as Reach[])[index]!, time]));

describe('a watch', () => {
  const watch = { since: 1000, from: 1000, timeout: 500 };

  test.each<
    [what: string, reached: ReadonlyMap<Reach, number | null>, from: number, now: number, ReturnType<typeof judge>]
  >([
    ['just begun', reached(null), 1000, 1499, 'open'],
    ['of what was not reached in time', reached(null), 1000, 1500, ['nats']],
    ['of what was reached, and is no more', reached(1200), 1000, 1700, ['nats']],
    ['of what was reached lately', reached(1201), 1000, 1700, 'open'],
    ['of two, one of which is lost', reached(1600, null), 1000, 1700, ['probe']],
    ['of two that are reached after the time', reached(1500, 1600), 1000, 1700, 'confirmed'],
    ['of two, one of which was reached before that only', reached(1499, 1600), 1000, 1700, 'open'],
    ['of two, one of which was not reached yet', reached(1600, null), 1300, 1700, 'open'],
    ['at the end of its time', reached(1500), 1000, 1500, 'confirmed'],
    ['of nothing, before its end', reached(), 1000, 1499, 'open'],
    ['of nothing, at its end', reached(), 1000, 1500, 'confirmed'],
    ['by a clock that went back', reached(1600), 1000, 1400, 'open'],
    ['of an agent that started late', reached(null), 1400, 1899, 'open'],
    ['of an agent that started late and does not reach it', reached(null), 1400, 1900, ['nats']],
  ])('%s', (_, map, from, time, verdict) => {
    expect(judge({ ...watch, from, reached: map }, time)).toEqual(verdict);
  });
});

describe('a change under trial', () => {
  const change = declared(2, { mtu: 1300, confirm: { ...confirm, probe: '192.0.2.1' } });
  const before: Given[] = [declared(1), resolved, looked(bridgeLink), change, looked(bridgeLink)];
  const began: Given = ['ConfirmBegan', { generation: 2, timeoutSeconds: 10, watched: ['nats'] }, 5000];
  const narrow = { ...bridgeLink, mtu: 1300 };
  const asked = { type: 'BeginConfirm', generation: 2, timeoutSeconds: 10, probe: '192.0.2.1' };
  const watched = {
    type: 'AwaitConfirm',
    generation: 2,
    since: timeAt(5000),
    timeoutSeconds: 10,
    watched: ['nats'],
    probe: '192.0.2.1',
    to: 1,
  };

  test('asks what is reachable before anything is changed, once', () => {
    const tried = after(...before);
    expect(tried.operations).toEqual([asked]);
    expect(told(tried)).toBe('creating False Confirming');
    expect(tell(tried, looked(bridgeLink)).operations).toEqual([]);
  });

  test('is then made and watched, and Ready is not known before it is confirmed', () => {
    const begun = after(...before, began);
    expect(begun.operations).toMatchObject([
      { type: 'Perform', operations: [{ type: 'ChangeLink' }] },
      { ...watched, resumed: false },
    ]);
    const made = tell(begun, looked(narrow, 'round-1'));
    expect(told(made)).toBe('configured Unknown Confirming');
    const sure = tell(made, ['SpecConfirmed', { generation: 1 }], ['SpecConfirmed', { generation: 2 }]);
    expect(told(sure)).toBe('configured True Configured');
    expect(sure.snapshot.context.confirm).toMatchObject({ trial: null, proven: { generation: 2 } });
  });

  test('is watched again by an agent that starts, and asked for again where it had not begun', () => {
    const started: Given = ['AgentStarted', { version: 'x' }];
    expect(after(...before, began, started).operations).toEqual([
      { type: 'ResolveNetns', slots: ['target'] },
      { ...watched, resumed: true },
    ]);
    expect(after(...before, started).operations).toEqual([{ type: 'ResolveNetns', slots: ['target'] }]);
    expect(after(...before, started, resolved, looked(bridgeLink)).operations).toEqual([asked]);
  });

  test('is undone where it is rolled back, which is said', () => {
    const lost: Given = ['SpecRolledBack', { generation: 2, to: 1, lost: ['nats'], seconds: 10 }];
    const undone = after(...before, began, looked(narrow, 'round-1'), lost);
    expect(undone.operations).toEqual([{ type: 'Observe' }]);
    const done = tell(undone, looked(narrow), looked(bridgeLink, 'round-2'));
    expect(told(done)).toBe('configured False RolledBack');
    expect(done.snapshot.context.spec).toMatchObject({ mtu: 1400 });
    const restarted = tell(done, ['AgentStarted', { version: 'x' }], resolved, looked(bridgeLink));
    expect(told(restarted)).toBe('configured False RolledBack');
    expect(restarted.operations).toEqual([]);
  });

  test('that the kernel matches already needs no confirmation', () => {
    const same = after(declared(1), resolved, looked(bridgeLink), change, looked(narrow));
    expect(told(same)).toBe('configured True Configured');
    expect(same.snapshot.context.confirm).toMatchObject({ trial: null, proven: { generation: 2 } });
  });

  test('of a new interface goes with its link, unless the link was there before', () => {
    const first = declared(1, { confirm });
    const lost: Given = ['SpecRolledBack', { generation: 1, to: null, lost: ['nats'], seconds: 10 }];
    const begin: Given = ['ConfirmBegan', { generation: 1, timeoutSeconds: 10, watched: ['nats'] }];
    const made = after(first, resolved, looked(null), begin);
    expect(made.operations).toMatchObject([{ type: 'Perform' }, { type: 'AwaitConfirm', to: null, probe: null }]);
    const undone = tell(made, looked(bridgeLink, 'round-1'), lost);
    expect(told(undone)).toBe('failed False RolledBack');
    expect(undone.operations).toEqual([{ type: 'Observe' }]);
    const removed = tell(undone, looked(bridgeLink));
    expect(removed.operations).toMatchObject([{ type: 'Perform', operations: [{ type: 'RemoveLink', index: 3 }] }]);
    expect(told(tell(removed, looked(null, 'round-2')))).toBe('failed False RolledBack');
    const there = after(
      first,
      resolved,
      looked({ ...bridgeLink, mtu: 1300 }),
      begin,
      looked(bridgeLink, 'round-1'),
      lost,
    );
    expect(told(there)).toBe('failed False RolledBack');
    expect(tell(there, looked(bridgeLink)).operations).toEqual([]);
  });

  test('ends with a deletion', () => {
    const deleted = after(...before, began, ['DeletionRequested', { uid: 'u1', resourceVersion: '3', gone: false }]);
    expect(deleted.snapshot.context.confirm?.trial).toBeNull();
  });
});
