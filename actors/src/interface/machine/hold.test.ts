import { describe, expect, test } from 'vitest';
import type { Operation } from '@ifactor/crds';
import {
  after as outcomeAfter,
  bridgeLink as link,
  declared as spec,
  looked as seen,
  resolved as place,
  seen as observed,
  timeAt as at,
  told as toldOf,
} from '../../testing/given.ts';
import type { Given } from '../../testing/given.ts';
import { verdictWords } from '../words/verdict.ts';
import { freeze, thaw } from './fold.ts';
import type { Snapshot } from './fold.ts';

const hour = 3_600_000;
const started = (time: number): Given => ['AgentStarted', { version: 'test' }, time];

type After = { snapshot: Snapshot; operations: readonly Operation[]; told: string; words: string };

function after(...events: Given[]): After {
  const outcome = outcomeAfter(...events);
  return { ...outcome, told: toldOf(outcome), words: verdictWords(outcome.snapshot.context) };
}

describe('drift that nothing is done about', () => {
  const drift: Given = [
    'DriftObserved',
    { observed: observed({ ...link, mtu: 1300 }), drift: [{ field: 'mtu', wanted: 1400, found: 1300 }] },
  ];
  const drifts = Array.from({ length: 20 }, () => drift);

  test.each([
    ['while it is paused', ['Paused', { by: 'mona' }], ['Resumed', { by: 'mona' }]],
    ['with spec.mode Paused', spec(2, { mode: 'Paused' }), spec(3)],
    ['with spec.mode Observe', spec(2, { mode: 'Observe' }), spec(3)],
  ] satisfies [string, Given, Given][])('%s is no fight, and is healed at once when that ends', (_, hold, end) => {
    const held: Given[] = [spec(1), place, seen(link), hold, seen(link), ...drifts];
    expect(after(...held).snapshot.context.failure).toBeNull();
    const ended: Given[] = [...held, end, drift];
    expect(after(...ended).told).toBe('drifted False Drifted');
    const { running } = after(...ended).snapshot.context;
    expect(running).not.toBeNull();
    const healed: Given[] = [...ended, ['LinkObserved', { observed: observed(link), operations: running! }]];
    expect(after(...healed).told).toBe('configured True Configured');
  });
});

describe('spec.mode: Observe', () => {
  const mode = { mode: 'Observe' };

  test('tells what would be made, and makes nothing', () => {
    const { told, words, operations } = after(spec(1, mode), place, seen(null));
    expect(told).toBe('pending False WouldChange');
    expect(words).toBe("spec.mode is Observe, so nothing is changed; would create bridge br0 in the interface's netns");
    expect(operations).toEqual([]);
  });

  test('is ready where the kernel is as declared, and adopts no link that has no mark', () => {
    const good = after(spec(1, mode), place, seen(link));
    expect(good.told).toBe('configured True Configured');
    expect(good.words).toContain('spec.mode is Observe: nothing would be changed');
    const { words, operations } = after(spec(1, mode), place, seen({ ...link, alias: null }));
    expect(words).toContain('would adopt br0');
    expect(operations).toEqual([]);
  });

  test('of a link that drifts, tells what would be repaired, however often it does', () => {
    const drifted: Given = [
      'DriftObserved',
      { observed: observed({ ...link, mtu: 1300 }), drift: [{ field: 'mtu', wanted: 1400, found: 1300 }] },
    ];
    const drifts = Array.from({ length: 12 }, () => drifted);
    const { told, words } = after(spec(1), place, seen(link), spec(2, mode), seen(link), ...drifts);
    expect(told).toBe('drifted False WouldChange');
    expect(words).toContain('would set mtu 1400 on br0');
    expect(after(spec(1), place, seen(link), spec(2, mode), ...drifts, seen(link)).told).toBe(
      'configured True Configured',
    );
  });

  test('begins once spec.mode is Manage, and a deletion goes on in any mode', () => {
    const managed = after(spec(1, mode), place, seen(null), spec(2), seen(null));
    expect(managed.operations).toMatchObject([{ type: 'Perform', operations: [{ type: 'CreateLink' }] }]);
    const deletion: Given = ['DeletionRequested', { uid: 'u1', resourceVersion: '2', gone: false }];
    const deleted = after(spec(1), place, seen(link), spec(2, mode), seen(link), deletion, seen(link));
    expect(deleted.operations).toMatchObject([{ type: 'Perform', operations: [{ type: 'RemoveLink' }] }]);
  });

  test('puts no change on trial', () => {
    const confirm = { confirm: { timeoutSeconds: 10 } };
    const { operations, told } = after(spec(1, { ...mode, ...confirm }), place, seen(null));
    expect([operations, told]).toEqual([[], 'pending False WouldChange']);
  });

  test('tells of many operations the first twenty', () => {
    const addresses = Array.from({ length: 30 }, (_, count) => ({ ipcidr: `10.0.${count}.1/24` }));
    const { words } = after(spec(1, { ...mode, addresses }), place, seen(null));
    expect(words).toMatch(/add 10\.0\.18\.1\/24 to br0 and 11 more$/);
  });
});

describe('spec.mode: Paused', () => {
  const mode = { mode: 'Paused' };

  test('leaves a healthy interface as it is, and ready, until the kernel differs', () => {
    const paused = after(spec(1), place, seen(link), spec(2, mode), seen(link));
    expect(paused.told).toBe('configured True Paused');
    expect(paused.words).toBe(
      `paused by spec.mode since ${at(3000)}; the kernel is as declared; nothing is changed before spec.mode is Manage again`,
    );
    const gone = after(spec(1), place, seen(link), spec(2, mode), seen(link), seen(null));
    expect(gone.told).toBe('configured Unknown Paused');
    expect(gone.words).toContain('the kernel differs: link: wanted br0, found none');
    expect(gone.operations).toEqual([]);
  });

  test('with another spec it is not ready for that', () => {
    const { told } = after(spec(1), place, seen(link), spec(2, { ...mode, mtu: 1300 }), seen(link));
    expect(told).toMatch(/ Unknown Paused$/);
  });

  test('of a link of somebody else it does not say that all is well', () => {
    const foreign = { ...link, alias: null, kind: 'vxlan' };
    const { told, words } = after(spec(1), place, seen(link), spec(2, mode), seen(foreign));
    expect(told).toBe('configured Unknown Paused');
    expect(words).toContain('br0 already exists');
  });
});

describe('a pause that a person asked for', () => {
  const healthy: Given[] = [spec(1), place, seen(link)];
  const pause: Given = ['Paused', { by: 'mona', reason: 'new switch', until: at(2 * hour) }, 0];

  test('says by whom, since when, until when and why, and what differs', () => {
    const { told, words } = after(...healthy, pause, seen({ ...link, mtu: 1300 }));
    expect(told).toBe('configured Unknown Paused');
    expect(words).toBe(
      `paused by mona since ${at(0)} until ${at(2 * hour)} (new switch); the kernel differs: mtu: wanted 1400, found 1300; nothing is changed before then (ifactor resume)`,
    );
  });

  test('ends by itself, and what differs is repaired then', () => {
    expect(after(...healthy, pause).operations).toContainEqual({
      type: 'StartTimer',
      timer: 'pause',
      milliseconds: 2 * hour,
    });
    const elapsed: Given = ['TimerElapsed', { timer: 'pause' }, 2 * hour];
    const over = after(...healthy, pause, seen({ ...link, mtu: 1300 }), elapsed);
    expect(over.operations).toEqual([{ type: 'Observe' }]);
    expect(over.snapshot.context.paused).toBeNull();
  });

  test('of many days is timed in steps', () => {
    const days: Given = ['Paused', { by: 'mona', until: at(48 * hour) }, 0];
    const step = { type: 'StartTimer', timer: 'pause', milliseconds: 12 * hour };
    expect(after(...healthy, days).operations).toContainEqual(step);
    const elapsed: Given = ['TimerElapsed', { timer: 'pause' }, 12 * hour];
    const { operations, snapshot } = after(...healthy, days, elapsed);
    expect(operations).toContainEqual(step);
    expect(snapshot.context.paused).not.toBeNull();
  });

  test('is taken up again by an agent that starts, and is over where its end has passed', () => {
    const remaining = after(...healthy, pause, started(hour));
    expect(remaining.operations).toContainEqual({ type: 'StartTimer', timer: 'pause', milliseconds: hour });
    expect(thaw(freeze(remaining.snapshot)).context.paused).toMatchObject({ by: 'mona', until: at(2 * hour) });
    expect(after(...healthy, pause, started(3 * hour)).snapshot.context.paused).toBeNull();
  });

  test('without an end stays until it is resumed, which also ends the wait of one that has an end', () => {
    const forever: Given = ['Paused', { by: 'mona' }];
    expect(after(...healthy, forever).operations).toEqual([]);
    expect(after(...healthy, forever, started(1000 * hour)).snapshot.context.paused).not.toBeNull();
    const resumed = after(...healthy, pause, ['Resumed', { by: 'mona' }]);
    expect(resumed.operations).toContainEqual({ type: 'StopTimer', timer: 'pause' });
    expect(resumed.operations).toContainEqual({ type: 'Observe' });
  });
});
