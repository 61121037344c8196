import { describe, expect, test } from 'vitest';
import { timeAt } from '../../testing/given.ts';
import type { Given } from '../../testing/given.ts';
import { bridgeAs, busy, full, idle, knowing, newsAfter, rest } from '../../testing/known.ts';
import type { News } from '../../testing/known.ts';
import type { Context, Failure } from './context.ts';
import type { StrayLeft } from './stray.ts';

const refusal: Failure = { code: 'Refused', errno: 'EPERM', text: 'no', module: null, until: timeAt(1000) };

const tried = {
  proven: null,
  trial: { generation: 1, asked: true, since: null, watched: [], found: true },
  rolledBack: null,
};
const rolledBack = {
  proven: { generation: 1, spec: bridgeAs(), secrets: { privateKey: 'f0' }, listenPort: null },
  trial: null,
  rolledBack: { generation: 2, to: 1, spec: bridgeAs({ mtu: 1300 }), lost: [], seconds: 10, found: true },
};

const leftAt = (netns: string, index: number): StrayLeft => ({ netns, index, name: 'br0', message: 'no' });
const strayLeft = (netns: number, index: number): Given => [
  'StrayLeft',
  { operations: 'round-1', netns: String(netns), index, name: 'br0', code: 'EBUSY', message: 'busy' },
];

describe('what an actor knows after', () => {
  test.each<[what: string, before: Context, given: Given, news: News]>([
    [
      "the agent's start after a rollback: the secrets of the spec in force stay",
      knowing({ confirm: rolledBack, secrets: { privateKey: 'f0', psk: 'f2' } }),
      ['AgentStarted', { version: 'x' }],
      { secrets: { privateKey: 'f0' } },
    ],
    [
      "the agent's start after a rollback to nothing",
      knowing({ confirm: { ...rolledBack, proven: null }, secrets: { privateKey: 'f0' } }),
      ['AgentStarted', { version: 'x' }],
      { secrets: {} },
    ],
    [
      "the agent's start during a trial, which is asked about again",
      knowing({ confirm: { ...tried, proven: rolledBack.proven }, secrets: { privateKey: 'f0' } }),
      ['AgentStarted', { version: 'x' }],
      {
        secrets: {},
        confirm: { ...tried, proven: rolledBack.proven, trial: { ...tried.trial, asked: false } },
      },
    ],
    [
      'a rollback to nothing',
      { ...full, confirm: tried },
      ['SpecRolledBack', { generation: 1, to: null, lost: ['nats'], seconds: 10 }],
      {
        confirm: {
          proven: null,
          trial: null,
          rolledBack: { generation: 1, to: null, spec: bridgeAs(), lost: ['nats'], seconds: 10, found: true },
        },
        observed: null,
        asked: { ...busy, observe: false },
        settled: false,
        failure: null,
      },
    ],
    [
      'a rollback of another spec',
      full,
      ['SpecRolledBack', { generation: 1, to: null, lost: ['nats'], seconds: 10 }],
      {},
    ],
    [
      'a loop of objects that wait for each other',
      knowing({ loop: ['a', 'a'] }),
      ['LoopFound', { through: ['a', 'b', 'a'] }],
      { loop: ['a', 'b', 'a'] },
    ],
    [
      'a loop that is open: the kernel is looked at again',
      { ...full, loop: ['a', 'a'] },
      ['LoopOpened', { through: ['a', 'a'] }],
      { loop: undefined, observed: null, asked: { ...busy, observe: false } },
    ],
    [
      'a loop that is open during a deletion, which goes on',
      { ...full, loop: ['a', 'a'], deletion: { uid: 'u1', resourceVersion: '2', gone: false } },
      ['LoopOpened', { through: ['a', 'a'] }],
      { loop: undefined },
    ],
    [
      'a loop that is open',
      knowing({ loop: ['a', 'a'] }),
      ['LoopOpened', { through: ['a', 'a'] }],
      { loop: undefined },
    ],
    [
      'the first stray that was left',
      knowing(),
      strayLeft(7, 9),
      { left: [{ netns: '7', index: 9, name: 'br0', message: 'busy' }] },
    ],
    [
      'a stray that was left again, beside others',
      knowing({ left: [leftAt('7', 9), leftAt('7', 8), leftAt('6', 9)] }),
      strayLeft(7, 9),
      { left: [leftAt('7', 8), leftAt('6', 9), { ...leftAt('7', 9), message: 'busy' }] },
    ],
    [
      'a request to try strays again',
      knowing({ left: [leftAt('7', 9)] }),
      ['ResyncRequested', { by: 'mona' }],
      { left: undefined },
    ],
    [
      "the agent's start: strays and duplicates are looked for again",
      knowing({ left: [leftAt('7', 9)], loop: ['a', 'a'], recheck: { times: 1, at: null, due: true } }),
      ['AgentStarted', { version: 'x' }],
      { left: undefined, loop: undefined, recheck: undefined },
    ],
    [
      'the wait for another check of duplicates',
      knowing({ recheck: { times: 1, at: timeAt(0), due: false } }),
      ['TimerElapsed', { timer: 'duplicates' }],
      { recheck: { times: 1, at: timeAt(0), due: true } },
    ],
    ['the wait for a check of duplicates that has ended', knowing(), ['TimerElapsed', { timer: 'duplicates' }], {}],
    ['the end of a trial that is over', full, ['SpecConfirmed', { generation: 1 }], {}],
    ['the timer of host names', full, ['TimerElapsed', { timer: 'endpoints' }], { unresolved: {} }],
    [
      'the timer of an address check',
      { ...full, addressCheck: 'awaited' },
      ['TimerElapsed', { timer: 'addresses' }],
      { addressCheck: 'over' },
    ],
    ['the timer of an address check that has ended', knowing(), ['TimerElapsed', { timer: 'addresses' }], {}],
    [
      'the timer of a pause',
      { ...full, paused: { by: 'mona', since: timeAt(0), until: timeAt(1000) } },
      ['TimerElapsed', { timer: 'pause' }, 1000],
      { paused: null, observed: null, asked: { ...busy, observe: false } },
    ],
    [
      'the timer of a part of a pause',
      { ...full, paused: { by: 'mona', since: timeAt(0), until: timeAt(2000) } },
      ['TimerElapsed', { timer: 'pause' }, 1000],
      { due: [{ type: 'StartTimer', timer: 'pause', milliseconds: 1000 }] },
    ],
    ['the timer of a pause that has ended', full, ['TimerElapsed', { timer: 'pause' }, 1000], {}],
    [
      'the wait after a failure',
      full,
      ['TimerElapsed', { timer: 'retry' }],
      { failure: null, stuck: 0, observed: null, asked: { ...busy, observe: false } },
    ],
    [
      'a wait, of what fails for good',
      { ...full, failure: { ...refusal, until: null } },
      ['TimerElapsed', { timer: 'retry' }],
      {},
    ],
    ['a wait, with no failure', rest, ['TimerElapsed', { timer: 'retry' }], {}],
    [
      "the agent's start",
      { ...full, outdated: true },
      ['AgentStarted', { version: 'x' }],
      {
        running: null,
        outdated: undefined,
        addressCheck: undefined,
        secrets: {},
        missing: {},
        places: {},
        taken: {},
        unresolved: {},
        failure: null,
        attempts: 0,
        stuck: 0,
        observed: null,
        asked: idle,
      },
    ],
    [
      "the agent's start during a pause",
      knowing({ paused: { by: 'mona', since: timeAt(0), until: timeAt(2000) } }),
      ['AgentStarted', { version: 'x' }, 500],
      { due: [{ type: 'StartTimer', timer: 'pause', milliseconds: 1500 }] },
    ],
    [
      "the agent's start after a pause",
      knowing({ paused: { by: 'mona', since: timeAt(0), until: timeAt(2000) } }),
      ['AgentStarted', { version: 'x' }, 2000],
      { paused: null },
    ],
    [
      'a request to look again',
      full,
      ['ResyncRequested', { by: 'mona' }],
      { failure: null, attempts: 0, stuck: 0, observed: null, asked: { ...busy, observe: false } },
    ],
    ['a pause', knowing(), ['Paused', { by: 'mona' }], { paused: { by: 'mona', since: timeAt(0) } }],
    [
      'another end of a pause',
      knowing({ paused: { by: 'mona', since: timeAt(0), until: timeAt(1000) } }),
      ['Paused', { by: 'lisa', until: timeAt(3000), reason: 'why' }, 500],
      {
        paused: { by: 'lisa', since: timeAt(500), until: timeAt(3000), reason: 'why' },
        due: [
          { type: 'StopTimer', timer: 'pause' },
          { type: 'StartTimer', timer: 'pause', milliseconds: 2500 },
        ],
      },
    ],
    [
      'a pause during a deletion, which goes on',
      knowing({ deletion: { uid: 'u1', resourceVersion: '2', gone: false } }),
      ['Paused', { by: 'mona' }],
      {},
    ],
    [
      'the end of a pause',
      { ...full, paused: { by: 'mona', since: timeAt(0), until: timeAt(1000) } },
      ['Resumed', { by: 'mona' }],
      {
        paused: null,
        observed: null,
        asked: { ...busy, observe: false },
        due: [{ type: 'StopTimer', timer: 'pause' }],
      },
    ],
  ])('%s', (_, before, given, news) => {
    expect(newsAfter(before, given)).toStrictEqual(news);
  });
});
