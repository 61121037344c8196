import { machineVersion } from '@ifactor/crds';
import type { RecordedEvent } from '@ifactor/crds';
import { beforeEach, describe, expect, test } from 'vitest';
import { freeze, hashOf, thaw } from '../../interface/machine/fold.ts';
import { testLog } from '../../testing/log.ts';
import { bridgeSpec, TestMailbox } from '../../testing/mailbox.ts';
import { spellKey } from '../journal/read.ts';
import type { Actor } from './actor.ts';
import { Snapshots } from './snapshots.ts';

const key = (name: string) => ({ kind: 'netlinkinterface', namespace: 'default', name });

let stored: Map<string, { sequence: number; body: string | null }>;
let tail: RecordedEvent[];
let forgotten: string[];
let failing: boolean;
let mailbox: TestMailbox;
let snapshots: Snapshots;
let lines: ReturnType<typeof testLog>['lines'];
beforeEach(() => {
  [stored, tail, forgotten, failing] = [new Map(), [], [], false];
  mailbox = new TestMailbox();
  const { log, lines: written } = testLog();
  lines = written;
  const attempt = (): void => {
    if (failing) throw new Error('the disk is full');
  };
  snapshots = new Snapshots(
    {
      saveSnapshot: (id, sequence, body) => {
        attempt();
        stored.set(id, { sequence, body });
      },
      forget: (id) => {
        attempt();
        forgotten.push(id);
      },
      snapshots: () => [...stored].map(([id, { sequence, body }]) => ({ key: id, sequence, body })),
      *tail() {
        yield* tail;
      },
    },
    log,
  );
});

const happened = (name: string, sequence: number, fact: object, machine = machineVersion): void => {
  const time = `2026-01-01T00:00:0${sequence}.000Z`;
  tail.push({ ...fact, key: key(name), sequence, time, machine } as RecordedEvent);
};
const spec = (name: string, sequence: number, machine?: number): void =>
  happened(
    name,
    sequence,
    {
      type: 'SpecChanged',
      data: { uid: 'u', generation: 1, resourceVersion: '1', creationTimestamp: '', spec: bridgeSpec },
    },
    machine,
  );
const paused = { type: 'Paused', data: { by: 'mona' } };
const freezeOf = (actor: Actor, more: object = {}): void =>
  void stored.set(actor.id, { sequence: 1, body: JSON.stringify({ ...freeze(actor.snapshot), ...more }) });
const restore = (): Map<string, number> => {
  const again = new TestMailbox();
  mailbox = again;
  const later = snapshots.restore((one) => again.actors.get(spellKey(one)) ?? again.add(one.name));
  return new Map([...later].map(([{ id }, machine]) => [id, machine]));
};
const actor = (name: string): Actor => mailbox.actors.get(spellKey(key(name)))!;

describe('an actor is restored', () => {
  test('from its snapshot, and what happened since', () => {
    const before = mailbox.declare('br0');
    freezeOf(before);
    happened('br0', 2, paused);
    expect(restore().size).toBe(0);
    expect(actor('br0').snapshot.context.spec).toEqual(before.snapshot.context.spec);
    expect(actor('br0').snapshot.context.paused).toMatchObject({ by: 'mona' });
    expect(actor('br0').lastEvent).toEqual({ sequence: 2, type: 'Paused', time: '2026-01-01T00:00:02.000Z' });
    expect(actor('br0').unsaved).toBe(1);
    expect(lines).toEqual([]);
  });

  test('from its events alone', () => {
    spec('br0', 1);
    happened('br0', 2, paused);
    restore();
    expect(actor('br0').snapshot.context).toMatchObject({ spec: { interfaceName: 'br0' }, paused: { by: 'mona' } });
    expect(actor('br0').unsaved).toBe(2);
  });

  test('not, where all that is stored of it is that it ended', () => {
    stored.set(spellKey(key('br0')), { sequence: 1, body: null });
    restore();
    expect(mailbox.actors.size).toBe(0);
  });

  test('to its initial state where its snapshot cannot be read; the others are restored, and that is said once', () => {
    freezeOf(mailbox.declare('good'));
    stored.set(spellKey(key('bad')), { sequence: 1, body: '{' });
    happened('bad', 2, paused);
    restore();
    expect(actor('bad').snapshot.context).toMatchObject({ spec: null, paused: null, key: key('bad') });
    expect(actor('bad').lastEvent?.sequence).toBe(2);
    expect(actor('good').snapshot.context.spec).toMatchObject({ interfaceName: 'br0' });
    expect(lines).toEqual([
      [
        'error',
        'journal of an interface cannot be read; adopting what the kernel shows',
        { actor: spellKey(key('bad')), error: expect.stringContaining('JSON') as string },
      ],
    ]);
  });

  test('to its initial state where an event cannot be folded, whatever comes after it', () => {
    const before = mailbox.declare('br0');
    freezeOf(before, { context: { ...before.snapshot.context, asked: null } });
    happened('br0', 2, { type: 'TimerElapsed', data: { timer: 'other' } });
    happened('br0', 3, paused);
    restore();
    expect(actor('br0').snapshot.context).toMatchObject({ spec: null, paused: null });
    expect([actor('br0').lastEvent?.sequence, actor('br0').unsaved, lines.length]).toEqual([3, 2, 1]);
  });
});

describe('what a later version wrote', () => {
  const [next, further] = [machineVersion + 1, machineVersion + 2];

  test('is said by its version, the highest that wrote', () => {
    freezeOf(mailbox.declare('frozen'), { machine: next });
    freezeOf(mailbox.declare('both'), { machine: further });
    happened('both', 2, paused, next);
    spec('told', 3, next);
    spec('now', 4);
    expect(restore()).toEqual(
      new Map([
        [spellKey(key('frozen')), next],
        [spellKey(key('both')), further],
        [spellKey(key('told')), next],
      ]),
    );
    expect(actor('told').snapshot.context.spec).toMatchObject({ interfaceName: 'br0' });
  });

  test('says what this version understands: a state that it does not lead to is taken', () => {
    const before = mailbox.declare('br0');
    // No such step is in the statechart of this version.
    const odd = { ...freeze(before.snapshot), value: 'moved-to-netns', machine: next };
    stored.set(before.id, { sequence: 1, body: JSON.stringify(odd) });
    spec('br0', 2, next);
    happened('br0', 3, { type: 'OfALaterVersion', data: {} }, next);
    restore();
    expect(lines).toEqual([]);
    expect(actor('br0').snapshot.context.spec).toMatchObject({ interfaceName: 'br0' });
  });

  test('without a version is of this one, or before', () => {
    const old = { ...freeze(mailbox.declare('br0').snapshot), machine: undefined };
    stored.set(spellKey(key('br0')), { sequence: 1, body: JSON.stringify(old) });
    expect(restore().size).toBe(0);
  });
});

/** With so many events since its last snapshot. */
function used(unsaved: number): Actor {
  const made = mailbox.declare('br0');
  Object.assign(made, { unsaved, lastEvent: { sequence: 77, type: 'Paused', time: '' } });
  return made;
}

describe('a snapshot', () => {
  test.each([
    [199, false, false],
    [200, false, true],
    [200, true, false],
    [1000, false, true],
  ])('after %d events, with operations under way: %s, is due: %s', (unsaved, busy, due) => {
    const made = used(unsaved);
    if (busy) made.snapshot = { ...made.snapshot, context: { ...made.snapshot.context, running: 'round-1' } };
    snapshots.saveIfDue(made);
    expect(stored.has(made.id)).toBe(due);
  });

  test('is stored with the number of the last event, and is what the actor was', () => {
    const made = used(1);
    snapshots.save(made);
    const { sequence, body } = stored.get(made.id)!;
    expect([sequence, made.unsaved]).toEqual([77, 0]);
    expect(hashOf(thaw(JSON.parse(body!) as never))).toBe(hashOf(made.snapshot));
    stored.clear();
    snapshots.save(made);
    expect(stored.size).toBe(0);
  });

  test('of an actor without an event is not stored', () => {
    const made = mailbox.declare('br0');
    made.unsaved = 1;
    snapshots.save(made);
    expect([stored.size, lines]).toEqual([0, []]);
  });

  test('that cannot be stored is stored later', () => {
    const made = used(3);
    failing = true;
    snapshots.save(made);
    expect(lines).toEqual([
      ['warn', 'failed to store a snapshot; retrying later', { actor: made.id, error: 'the disk is full' }],
    ]);
    failing = false;
    snapshots.save(made);
    expect([stored.size, made.unsaved]).toEqual([1, 0]);
  });
});

describe('the end of an actor', () => {
  test('is stored once, as soon as it can be, unless the actor lives again', () => {
    for (const id of ['a', 'b']) snapshots.finish(id);
    failing = true;
    snapshots.settle(() => false);
    expect(forgotten).toEqual([]);
    expect(lines).toEqual(
      ['a', 'b'].map((id) => [
        'warn',
        'failed to store the end of an interface; retrying later',
        { actor: id, error: 'the disk is full' },
      ]),
    );
    failing = false;
    snapshots.settle((id) => id === 'b');
    snapshots.settle(() => false);
    expect(forgotten).toEqual(['a']);
  });
});
