import { describe, expect, test } from 'vitest';
import { bridgeSpec, declared, timeAt } from '../../testing/given.ts';
import type { Given } from '../../testing/given.ts';
import { bridgeAs, busy, desiredAt, eventOf, full, idle, knowing, newsAfter, rest } from '../../testing/known.ts';
import type { News } from '../../testing/known.ts';
import type { Context } from './context.ts';
import { evolve } from './evolve.ts';

/** What depends on a spec and is looked up again for another one. */
const enforced: News = {
  observed: null,
  asked: idle,
  taken: {},
  unresolved: {},
  failure: null,
  attempts: 0,
  stuck: 0,
  drifts: [],
  settled: false,
  fight: undefined,
  addressCheck: undefined,
};

/** The same where nothing was asked and nothing had failed. */
const { asked: _asked, failure: _failure, ...enforcedAtRest } = enforced;

describe('what an actor knows after', () => {
  test.each<[what: string, before: Context, given: Given, news: News]>([
    ['its first spec', knowing(), declared(), { desired: desiredAt(1), spec: bridgeAs() }],
    ['the same spec again', full, declared(2), { desired: desiredAt(2) }],
    [
      'another spec',
      full,
      declared(2, { mtu: 1300 }),
      { ...enforced, desired: desiredAt(2), spec: bridgeAs({ mtu: 1300 }), outdated: true },
    ],
    [
      'another spec, with nothing in flight',
      rest,
      declared(2, { mtu: 1300 }),
      { ...enforcedAtRest, desired: desiredAt(2), spec: bridgeAs({ mtu: 1300 }) },
    ],
    [
      'another spec of one that waited in a loop and had the address of another host',
      { ...rest, loop: ['a', 'a'], recheck: { times: 1, at: null, due: false } },
      declared(2, { mtu: 1300 }),
      {
        ...enforcedAtRest,
        desired: desiredAt(2),
        spec: bridgeAs({ mtu: 1300 }),
        loop: undefined,
        recheck: undefined,
      },
    ],
    [
      'a spec that belongs elsewhere',
      full,
      declared(2, { container: { docker: { name: 'box' } } }),
      {
        ...enforced,
        desired: desiredAt(2),
        spec: bridgeAs({ container: { docker: { name: 'box' } } }),
        outdated: true,
        places: {},
      },
    ],
    [
      'a spec that breaks its schema: the former goes with the object',
      full,
      declared(2, { mtu: 5 }),
      { ...enforced, desired: desiredAt(2), refused: { spec: { ...bridgeSpec, mtu: 5 } }, outdated: true },
    ],
    [
      'a first spec that breaks its schema',
      knowing(),
      declared(1, { mtu: 5 }),
      { desired: desiredAt(1), refused: { spec: { ...bridgeSpec, mtu: 5 } } },
    ],
    [
      'the same broken spec again',
      { ...full, refused: { spec: { ...bridgeSpec, mtu: 5 } } },
      declared(2, { mtu: 5 }),
      { desired: desiredAt(2) },
    ],
    [
      'the former spec after a broken one',
      { ...full, refused: { spec: { ...bridgeSpec, mtu: 5 } } },
      declared(2),
      { ...enforced, desired: desiredAt(2), refused: null, outdated: true },
    ],
    [
      'the former spec but for its mode after a broken one',
      { ...full, refused: { spec: { ...bridgeSpec, mtu: 5 } } },
      declared(2, { mode: 'Observe' }),
      {
        ...enforced,
        desired: desiredAt(2),
        refused: null,
        outdated: true,
        spec: bridgeAs({ mode: 'Observe' }),
        hold: { mode: 'Observe', since: timeAt(0) },
      },
    ],
    [
      'another mode',
      full,
      declared(2, { mode: 'Observe' }, 'u1'),
      {
        desired: desiredAt(2),
        spec: bridgeAs({ mode: 'Observe' }),
        hold: { mode: 'Observe', since: timeAt(0) },
        observed: null,
        asked: { ...busy, observe: false },
        failure: null,
        attempts: 0,
        stuck: 0,
      },
    ],
    [
      'another mode of a spec that was rolled back: the one in force stays',
      {
        ...rest,
        attempts: 0,
        stuck: 0,
        confirm: {
          proven: null,
          trial: null,
          rolledBack: { generation: 1, to: null, spec: bridgeAs({ mtu: 1300 }), lost: [], seconds: 5, found: true },
        },
      },
      declared(2, { mtu: 1300, mode: 'Paused' }),
      {
        desired: desiredAt(2),
        hold: { mode: 'Paused', since: timeAt(0) },
        observed: null,
        confirm: {
          proven: null,
          trial: null,
          rolledBack: {
            generation: 1,
            to: null,
            spec: bridgeAs({ mtu: 1300, mode: 'Paused' }),
            lost: [],
            seconds: 5,
            found: true,
          },
        },
      },
    ],
    [
      'a spec with the same hold',
      { ...rest, hold: { mode: 'Observe', since: timeAt(-5) } },
      declared(2, { mtu: 1300, mode: 'Observe' }),
      {
        ...enforcedAtRest,
        desired: desiredAt(2),
        spec: bridgeAs({ mtu: 1300, mode: 'Observe' }),
      },
    ],
    [
      'another spec, with nothing rolled back',
      { ...rest, confirm: { proven: null, trial: null, rolledBack: null } },
      declared(2, { mtu: 1300 }),
      {
        ...enforcedAtRest,
        desired: desiredAt(2),
        spec: bridgeAs({ mtu: 1300 }),
        confirm: {
          proven: { generation: 1, spec: bridgeAs(), secrets: {}, listenPort: 4242 },
          trial: null,
          rolledBack: null,
        },
      },
    ],
    [
      'a spec, after one that only a later version reads',
      knowing({ desired: desiredAt(1), places: { target: { netns: '42' } }, spec: { type: 'tunnel' } as never }),
      declared(2),
      { desired: desiredAt(2), spec: bridgeAs(), places: {} },
    ],
    [
      'a broken spec, after one that only a later version reads',
      knowing({ desired: desiredAt(1), places: { target: { netns: '42' } }, spec: { type: 'tunnel' } as never }),
      declared(2, { mtu: 5 }),
      { desired: desiredAt(2), refused: { spec: { ...bridgeSpec, mtu: 5 } }, places: {} },
    ],
    [
      'a broken spec, after one that is not known',
      knowing({ desired: desiredAt(1) }),
      declared(2, { mtu: 5 }),
      { desired: desiredAt(2), refused: { spec: { ...bridgeSpec, mtu: 5 } } },
    ],
    [
      'a broken spec of one that is held',
      { ...knowing(), desired: desiredAt(1), hold: { mode: 'Observe', since: timeAt(-5) } },
      declared(2, { mtu: 5 }),
      { desired: desiredAt(2), refused: { spec: { ...bridgeSpec, mtu: 5 } } },
    ],
    [
      'the end of a hold',
      {
        ...rest,
        attempts: 0,
        stuck: 0,
        spec: bridgeAs({ mode: 'Observe' }),
        hold: { mode: 'Observe', since: timeAt(-5) },
      },
      declared(2),
      { desired: desiredAt(2), spec: bridgeAs(), hold: undefined, observed: null },
    ],
    [
      'the same spec of an object that was being deleted',
      { ...rest, deletion: { uid: 'u1', resourceVersion: '1', gone: false } },
      declared(2),
      { ...enforcedAtRest, desired: desiredAt(2), deletion: null },
    ],
    [
      'another mode of an object that was being deleted',
      { ...rest, deletion: { uid: 'u1', resourceVersion: '1', gone: false } },
      declared(2, { mode: 'Observe' }),
      {
        ...enforcedAtRest,
        desired: desiredAt(2),
        deletion: null,
        spec: bridgeAs({ mode: 'Observe' }),
        hold: { mode: 'Observe', since: timeAt(0) },
      },
    ],
  ])('%s', (_, before, given, news) => {
    expect(newsAfter(before, given)).toStrictEqual(news);
  });

  test('another object of its name: nothing but what is in flight, and what it says until then', () => {
    const before = { ...full, confirm: { proven: null, trial: null, rolledBack: null } };
    expect(evolve(before, eventOf(declared(7, {}, 'u2')))).toStrictEqual({
      ...knowing({
        desired: { ...desiredAt(1), uid: 'u2', generation: 7, resourceVersion: '7' },
        spec: bridgeAs(),
        running: 'round-4',
        outdated: true,
        round: 4,
        verdict: full.verdict,
        ready: full.ready,
      }),
    });
  });
});
