import { describe, expect, test } from 'vitest';
import type { Drift } from '@ifactor/crds';
import { bridgeLink, seen, timeAt } from '../../testing/given.ts';
import type { Given } from '../../testing/given.ts';
import { busy, eventOf, full, idle, newsAfter, rest } from '../../testing/known.ts';
import type { News } from '../../testing/known.ts';
import type { Context } from './context.ts';
import { evolve, isFought, notConverging } from './evolve.ts';

const mtu: Drift = { field: 'mtu', wanted: 1400, found: 1300 };
const operation = { type: 'AdoptLink', slot: 'target', name: 'br0', index: 3, mark: 'm' } as const;
const failing = (code: string, more: object = {}): Given => [
  'OperationFailed',
  { operations: 'round-4', operation, code, message: 'no', ...more },
];
const drifted = (milliseconds: number, ...fields: string[]): Given => [
  'DriftObserved',
  { observed: seen(null), drift: fields.map((field) => ({ ...mtu, field })) },
  milliseconds,
];
const times = (count: number, fields = 'mtu'): Context['drifts'] =>
  Array.from({ length: count }, (_, at) => ({ time: timeAt(at * 1000), fields }));

describe('an operation that failed', () => {
  const over: News = { running: null, observed: null, asked: { ...busy, observe: false } };
  const clean: Context = { ...full, attempts: 0, failure: null };

  test.each<[what: string, before: Context, given: Given, news: News]>([
    ['of a list that is over', full, failing('EPERM', { operations: 'round-3' }), {}],
    [
      'is tried again after a wait',
      clean,
      failing('EPERM', { module: 'bridge' }),
      {
        ...over,
        attempts: 1,
        failure: { code: 'Refused', errno: 'EPERM', text: 'no', module: 'bridge', until: timeAt(1000) },
        due: [{ type: 'StartTimer', timer: 'retry', milliseconds: 1000 }],
      },
    ],
    [
      'is not tried again where the kernel does not know how',
      clean,
      failing('EOPNOTSUPP'),
      {
        ...over,
        attempts: 1,
        failure: { code: 'Refused', errno: 'EOPNOTSUPP', text: 'no', module: null, until: null },
      },
    ],
    [
      'is tried again even then, for as long as the object is being deleted',
      { ...clean, deletion: { uid: 'u1', resourceVersion: '2', gone: false } },
      failing('EOPNOTSUPP'),
      {
        ...over,
        attempts: 1,
        failure: { code: 'Refused', errno: 'EOPNOTSUPP', text: 'no', module: null, until: timeAt(1000) },
        due: [{ type: 'StartTimer', timer: 'retry', milliseconds: 1000 }],
      },
    ],
    [
      'since its port is taken, gets another port',
      clean,
      failing('EADDRINUSE'),
      {
        ...over,
        listenPort: null,
        attempts: 1,
        failure: { code: 'Refused', errno: 'EADDRINUSE', text: 'no', module: null, until: timeAt(1000) },
        due: [{ type: 'StartTimer', timer: 'retry', milliseconds: 1000 }],
      },
    ],
    [
      'of another spec says nothing of this one',
      { ...clean, outdated: true },
      failing('EPERM'),
      { ...over, outdated: undefined },
    ],
    ...['ENODEV', 'ENOENT', 'EEXIST', 'ECLOSED', 'ESTALE'].map((code): [string, Context, Given, News] => [
      `by ${code}, which a look explains, is no failure the first time`,
      clean,
      failing(code),
      { ...over, attempts: 1 },
    ]),
    [
      'by ENODEV a second time is one',
      { ...clean, attempts: 1 },
      failing('ENODEV'),
      {
        ...over,
        attempts: 2,
        failure: { code: 'Refused', errno: 'ENODEV', text: 'no', module: null, until: timeAt(2000) },
        due: [{ type: 'StartTimer', timer: 'retry', milliseconds: 2000 }],
      },
    ],
    [
      'of the agent itself is contained, and said where',
      { ...clean, outdated: true },
      ['StepFailed', { step: 'observe', message: 'broken' }],
      {
        ...over,
        outdated: undefined,
        asked: idle,
        attempts: 1,
        failure: { code: 'InternalError', step: 'observe', text: 'broken', until: timeAt(1000) },
        due: [{ type: 'StartTimer', timer: 'retry', milliseconds: 1000 }],
      },
    ],
  ])('%s', (_, before, given, news) => {
    expect(newsAfter(before, given)).toStrictEqual(news);
  });

  test('in what an event does to it is a failure of the actor, and names the event', () => {
    const broken = { ...clean, secrets: null } as unknown as Context;
    const resolved: Given = ['SecretResolved', { ref: 'privateKey', version: '1', fingerprint: 'f2' }];
    expect(newsAfter(broken, resolved)).toMatchObject({
      failure: { code: 'InternalError', step: 'take SecretResolved', text: expect.stringContaining('null') as string },
    });
  });
});

describe('drift', () => {
  const calm: Context = { ...rest, attempts: 0, drifts: [] };
  const { fight: _, ...peaceful } = calm;

  test('is remembered for a minute, with each field once', () => {
    const after = evolve({ ...calm, drifts: times(3) }, eventOf(drifted(61_000, 'mtu', 'up', 'mtu')));
    expect(after.drifts).toEqual([
      { time: timeAt(2000), fields: 'mtu' },
      { time: timeAt(61_000), fields: 'mtu, up' },
    ]);
    expect([after.observed, after.failure]).toEqual([seen(null), null]);
  });

  test('of the same fields, ten times in a minute, is a fight with another program', () => {
    const ninth = evolve({ ...peaceful, drifts: times(8) }, eventOf(drifted(9000, 'mtu')));
    expect(ninth.failure).toBeNull();
    const tenth = evolve({ ...peaceful, drifts: times(9) }, eventOf(drifted(9000, 'mtu')));
    expect(tenth).toMatchObject({
      failure: { code: 'Contested', fields: 'mtu', times: 10, until: timeAt(10_000) },
      fight: { times: 1, last: timeAt(9000) },
      drifts: [],
      observed: null,
      attempts: 1,
    });
    const other = evolve({ ...peaceful, drifts: [...times(9), ...times(3, 'up')] }, eventOf(drifted(9000, 'up')));
    expect(other.failure).toBeNull();
  });

  test('that is a fight, while an address is being checked, starts both timers', () => {
    const tentative = seen({ ...bridgeLink, tentative: ['fd00::1'] });
    const given: Given = ['DriftObserved', { observed: tentative, drift: [mtu] }, 9000];
    expect(evolve({ ...peaceful, addressCheck: undefined as never, drifts: times(9) }, eventOf(given)).due).toEqual([
      { type: 'StartTimer', timer: 'addresses', milliseconds: 3000 },
      { type: 'StartTimer', timer: 'retry', milliseconds: 1000 },
    ]);
  });

  test('where nothing is done is no fight', () => {
    const held: Context = { ...calm, drifts: times(9), hold: { mode: 'Observe', since: timeAt(0) } };
    expect(evolve(held, eventOf(drifted(9000, 'mtu'))).failure).toBeNull();
  });

  test.each<[what: string, before: Partial<Context>, at: number, fight: number, wait: number]>([
    ['the third in a row', { fight: { times: 2, last: timeAt(0) } }, 9000, 3, 4000],
    ['the third, after other failures', { fight: { times: 2, last: timeAt(0) }, attempts: 4 }, 9000, 3, 16_000],
    ['one just before the former is forgotten', { fight: { times: 2, last: timeAt(-291_001 + 1) } }, 8999, 3, 4000],
    ['one after the former is forgotten', { fight: { times: 2, last: timeAt(-291_001) } }, 8999, 1, 1000],
  ])('that is a fight, %s', (_what, before, at, count, wait) => {
    const after = evolve({ ...calm, drifts: times(9), ...before }, eventOf(drifted(at, 'mtu')));
    expect(after.fight?.times).toBe(count);
    expect(after.failure?.until).toBe(timeAt(at + wait));
  });

  test('was fought over less than five minutes ago, or not', () => {
    expect(isFought(peaceful, timeAt(0))).toBe(false);
    expect(isFought(calm, timeAt(299_999))).toBe(true);
    expect(isFought(calm, timeAt(300_000))).toBe(false);
  });
});

describe('a kernel that takes all operations and differs still', () => {
  const work = { fields: ['mtu', 'up'], anew: [] };
  const drift = Array.from({ length: 6 }, (_, at): Drift => ({ ...mtu, field: `f${at}` }));
  const tired: Context = { ...rest, stuck: 5, attempts: 0, settled: false, drifts: [] };
  const outcome = (before: Partial<Context>): Context | null =>
    notConverging({ ...tired, ...before }, timeAt(0), work, () => drift);

  test('is tried five times', () => {
    expect(outcome({ stuck: 4 })).toBeNull();
  });

  test('is backed off from, and four differences are named', () => {
    expect(outcome({})).toMatchObject({
      stuck: 0,
      attempts: 1,
      failure: { code: 'NotConverging', work, drift: drift.slice(0, 4), until: timeAt(1000) },
    });
  });

  test('is given up after five more times, but not while the object is being deleted', () => {
    expect(outcome({ attempts: 4 })?.failure?.until).toBe(timeAt(16_000));
    expect(outcome({ attempts: 5 })?.failure?.until).toBeNull();
    const deletion = { uid: 'u1', resourceVersion: '2', gone: false };
    expect(outcome({ attempts: 5, deletion })?.failure?.until).toBe(timeAt(32_000));
  });

  test.each<[what: string, before: Partial<Context>, fields: string]>([
    ['the last drift', { drifts: [{ time: timeAt(0), fields: 'slaves' }] }, 'slaves'],
    ['what is to be done, in a fight', {}, 'mtu, up'],
  ])('where it was as declared, is undone by another program: named is %s', (_, before, fields) => {
    const after = outcome({ settled: true, ...before });
    expect(after).toMatchObject({ stuck: 0, failure: { code: 'Contested', fields, times: null } });
  });

  test('is no fight where there was neither drift nor a fight', () => {
    const after = outcome({ settled: true, fight: { times: 1, last: timeAt(-300_000) } });
    expect(after?.failure?.code).toBe('NotConverging');
    expect(outcome({ drifts: [{ time: timeAt(0), fields: 'mtu' }] })?.failure?.code).toBe('NotConverging');
  });
});
