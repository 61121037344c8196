import { TestClock } from '@ifactor/common/testing';
import { machineVersion } from '@ifactor/crds';
import type { RecordedEvent } from '@ifactor/crds';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { dummy } from '../../interface/kind/registry.ts';
import { freeze } from '../../interface/machine/fold.ts';
import { testLog } from '../../testing/log.ts';
import { TestMailbox } from '../../testing/mailbox.ts';
import { MemoryKernel } from '../../testing/memory/kernel.ts';
import type { Actor, Fact } from './actor.ts';
import { Runner } from './runner.ts';
import type { RunnerOptions } from './runner.ts';

/** A journal in memory, whose disk can be full. */
class FakeJournal {
  readonly node = 'n1';
  readonly #most: number;
  full = false;
  attempts = 0;
  batches: RecordedEvent[][] = [];
  waiting: RecordedEvent[] = [];
  lost: RunnerOptions['journal']['lost'] = null;
  readonly saved: string[] = [];
  readonly forgotten: string[] = [];
  stored: { key: string; sequence: number; body: string }[] = [];
  log: RecordedEvent[] = [];
  #sequence = 0;

  constructor(most = 100) {
    this.#most = most;
  }

  get sequence(): number {
    return this.#sequence;
  }

  get room(): number {
    return this.#most - this.waiting.length;
  }

  eventId(sequence: number): string {
    return `n1.j.${sequence}`;
  }

  append(events: readonly RecordedEvent[]): void {
    this.attempts++;
    this.#sequence += events.length;
    this.waiting.push(...events);
    if (this.full) throw new Error('the disk is full');
    if (this.waiting.length > 0) this.batches.push(this.waiting);
    this.waiting = [];
  }

  saveSnapshot(key: string): void {
    this.saved.push(key);
  }

  forget(key: string): void {
    this.forgotten.push(key);
  }

  snapshots() {
    return this.stored;
  }

  *tail() {
    yield* this.log;
  }

  types(): string[][] {
    return this.batches.map((batch) => batch.map(({ key, type }) => `${key.name} ${type}`));
  }
}

const key = (name: string) => ({ kind: 'netlinkinterface', namespace: 'default', name });
const idOf = (name: string): string => `netlinkinterface/default/${name}`;
const changed = (name: string, generation = 1): Fact => ({
  type: 'SpecChanged',
  data: {
    uid: `uid-${name}`,
    generation,
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
    spec: { node: 'n1', interfaceName: name, type: 'dummy', up: true, mtu: 1400 + generation, addresses: [] } as never,
  },
});
const resync: Fact = { type: 'ResyncRequested', data: { by: 'test' } };
const deleted = (name: string, gone = true): Fact => ({
  type: 'DeletionRequested',
  data: { uid: `uid-${name}`, resourceVersion: '2', gone },
});

let clock: TestClock;
let journal: FakeJournal;
let runner: Runner;
let kernel: MemoryKernel;
let lines: ReturnType<typeof testLog>['lines'];
let told: string[];
/** Places that are followed: `home` and names of containers. */
let followed: string[];

beforeEach(async () => {
  kernel = new MemoryKernel();
  kernel.addNetns('home');
  journal = new FakeJournal();
  clock = new TestClock();
  await start();
});

async function start(): Promise<void> {
  const home = await kernel.open('home');
  const { log, lines: written } = testLog();
  [lines, told, followed] = [written, [], []];
  const own = new Runner({
    runtime: { clock, random: { fraction: () => 0.5, uuid: () => 'uuid' }, log },
    places: {
      follow: (selector, listener) => {
        const name = selector?.docker?.name ?? 'home';
        followed.push(name);
        const soon = setImmediate(() => listener({ netns: home }));
        return () => {
          followed.splice(followed.indexOf(name), 1);
          clearImmediate(soon);
        };
      },
      close: () => undefined,
    },
    secrets: {
      resolve: (_, ref) => ({ type: 'SecretMissing', data: { ref, reason: 'NotDelivered' } }),
      use: () => Buffer.alloc(32),
    },
    natsAnswers: () => Promise.resolve(true),
    journal,
  });
  onTestFinished(() => own.stop());
  runner = own;
  runner.changed.subscribe((actor) => told.push(`changed ${actor.key.name}`));
  runner.forgotten.subscribe((actor) => told.push(`forgotten ${actor.key.name}`));
  runner.stored.subscribe(() => told.push('stored'));
  runner.recovered.subscribe(() => told.push('recovered'));
}

const tell = (name: string, ...facts: Fact[]): Actor => {
  const actor = runner.actor(key(name));
  for (const fact of facts) runner.tell(actor, fact, null);
  return actor;
};
const settled = (): Promise<void> => clock.pass(0);
/** An interface that is in the kernel, with nothing under way. */
async function configured(name: string): Promise<Actor> {
  const actor = tell(name, changed(name));
  await settled();
  expect(actor.snapshot.value).toBe('configured');
  told.length = 0;
  journal.batches = [];
  return actor;
}

describe('facts', () => {
  test('of one turn are stored at once, before anything is begun, and each actor is told of once', async () => {
    const [first] = [tell('a', changed('a'), resync), tell('b', changed('b'))];
    expect([journal.batches, first.snapshot.context.spec, runner.actors.size]).toEqual([[], null, 2]);
    runner.flush();
    expect(journal.types()).toEqual([['a SpecChanged', 'a ResyncRequested', 'b SpecChanged']]);
    expect(told).toEqual(['changed a', 'changed b', 'stored']);
    await settled();
    expect(journal.types().flat().slice(3, 5)).toEqual(['a NetnsResolved', 'b NetnsResolved']);
  });

  test('lead to the operations that the machine asks for, with the event as their cause', async () => {
    tell('a', changed('a'));
    await settled();
    const events = journal.batches.flat();
    expect(events.map(({ type }) => type)).toEqual([
      'SpecChanged',
      'NetnsResolved',
      'LinkObserved',
      'LinkCreated',
      'LinkObserved',
    ]);
    const [spec, netns, , created] = events;
    expect([spec?.causationId, netns?.causationId, netns?.correlationId, created?.correlationId]).toEqual([
      null,
      'n1.j.1',
      'n1.j.1',
      'n1.j.1',
    ]);
    expect((await kernel.open('home')).link('a')).toMatchObject({ up: true });
  });

  test('nothing queued is nothing to store', () => {
    runner.flush();
    expect([journal.batches, told]).toEqual([[], []]);
  });

  test('for an actor that was removed, or replaced, are dropped', async () => {
    const actor = await configured('a');
    runner.tell(actor, deleted('a', false), null);
    await settled();
    runner.tell(actor, deleted('a'), null);
    await settled();
    expect([runner.actors.size, told.at(-2), told.at(-1)]).toEqual([0, 'forgotten a', 'stored']);
    expect(journal.forgotten).toEqual([idOf('a')]);
    const { length } = journal.batches;
    runner.tell(actor, resync, null);
    tell('a');
    runner.tell(actor, resync, null);
    await settled();
    expect(journal.batches).toHaveLength(length);
    expect(runner.actor(key('a'))).not.toBe(actor);
  });

  test('after the end are dropped; those of before are stored', async () => {
    const actor = tell('a', changed('a'));
    runner.stop();
    runner.tell(actor, resync, null);
    await settled();
    expect(journal.types()).toEqual([['a SpecChanged']]);
    expect(journal.saved).toEqual([idOf('a')]);
    runner.stop();
    expect(journal.saved).toHaveLength(1);
  });
});

const boxed = (name: string, box: string, generation = 1): Fact => {
  const fact = changed(name, generation) as Extract<Fact, { type: 'SpecChanged' }>;
  return { ...fact, data: { ...fact.data, spec: { ...fact.data.spec, container: { docker: { name: box } } } } };
};

describe('the places of an actor', () => {
  test('are followed as long as it has links there', async () => {
    const actor = tell('a', boxed('a', 'one'));
    await settled();
    expect(followed).toEqual(['home', 'one']);
    tell('a', boxed('a', 'two', 2));
    runner.flush();
    expect(followed).toEqual(['home', 'one', 'two']);
    await settled();
    expect(actor.snapshot.context.settled).toBe(true);
    expect(followed).toEqual(['home', 'two']);
    runner.tell(actor, deleted('a', false), null);
    await settled();
    runner.tell(actor, deleted('a'), null);
    await settled();
    expect(followed).toEqual(['home']);
  });

  test('are followed no longer than the node runs', async () => {
    tell('a', boxed('a', 'one'));
    await settled();
    runner.stop();
    expect(followed).toEqual([]);
  });
});

describe('an actor', () => {
  test('that is deleted but not gone stays', async () => {
    const actor = await configured('a');
    runner.tell(actor, deleted('a', false), null);
    await settled();
    expect([actor.snapshot.value, runner.actors.size]).toEqual(['deleted', 1]);
  });

  test('stores its snapshot after 200 events, with nothing under way', async () => {
    const actor = await configured('a');
    actor.unsaved = 197;
    runner.tell(actor, { type: 'Paused', data: { by: 'test' } }, null);
    await settled();
    expect(journal.saved).toEqual([]);
    tell('a', resync);
    await settled();
    expect(journal.saved).toEqual([idOf('a')]);
    expect(actor.unsaved).toBe(0);
  });

  test('stores its snapshot when asked to, if there is one', async () => {
    await configured('a');
    runner.save([idOf('a'), idOf('b')]);
    expect(journal.saved).toEqual([idOf('a')]);
    journal.saved.length = 0;
    tell('a', resync);
    await settled();
    journal.full = true;
    tell('a', resync);
    await settled();
    runner.save([idOf('a')]);
    expect(journal.saved).toEqual([]);
  });

  test('at rest is packed every 5 s, as many at once as allowed', async () => {
    const actors = [await configured('a'), await configured('b'), await configured('c')];
    await clock.pass(9999);
    expect(actors.map((actor) => actor.packIfIdle())).toEqual([true, true, true]);
    for (const actor of actors) void actor.snapshot;
    await clock.pass(10_001);
    expect(actors.map((actor) => actor.packIfIdle())).toEqual([false, false, false]);
    for (const actor of actors) void actor.snapshot;
    runner.packIdle(3);
    runner.packIdle(0);
    runner.packIdle(2);
    expect(actors.map((actor) => actor.packIfIdle())).toEqual([false, false, true]);
    for (const actor of actors) void actor.snapshot;
    runner.stop();
    await clock.pass(20_000);
    for (const packed of [false, true])
      expect(actors.map((actor) => actor.packIfIdle())).toEqual([packed, packed, packed]);
  });

  test('was looked at, which is told whether or not it is news', async () => {
    const seen: string[] = [];
    runner.observed.subscribe((actor) => seen.push(actor.key.name));
    await configured('a');
    const { length } = seen;
    tell('a', resync);
    await settled();
    expect([length > 0, seen.length - length]).toEqual([true, 1]);
  });
});

const fail = (actor: Actor): void =>
  runner.contain(actor, 'test', () => {
    throw new Error('a defect');
  });

const failures = (): string[] =>
  journal
    .types()
    .flat()
    .filter((what) => what === 'a StepFailed');

describe('a step that throws', () => {
  test('is logged each time, and told to its actor once until the back-off is over', async () => {
    const actor = await configured('a');
    for (let times = 0; times < 2; times++) fail(actor);
    await settled();
    expect(lines).toEqual(
      Array.from({ length: 2 }, () => [
        'error',
        'a step of an interface failed; retrying later',
        { actor: idOf('a'), step: 'test', error: 'a defect' },
      ]),
    );
    expect(failures()).toHaveLength(1);
    expect(journal.batches.flat()[0]?.data).toEqual({ step: 'test', message: 'a defect' });
    fail(actor);
    await settled();
    expect(failures()).toHaveLength(1);
    // Another spec: the failure is over, the next one is told again.
    tell('a', changed('a', 2));
    await settled();
    expect(actor.snapshot.value).toBe('configured');
    fail(actor);
    await settled();
    expect(failures()).toHaveLength(2);
  });

  test('while a fact is folded loses that fact, and no other', async () => {
    const [bad, good] = [await configured('bad'), await configured('good')];
    bad.snapshot = { ...bad.snapshot, value: 'of-no-version' as never };
    tell('bad', { type: 'Paused', data: { by: 'test' } });
    tell('good', { type: 'Paused', data: { by: 'test' } });
    runner.flush();
    expect(journal.types()[0]).toEqual(['good Paused']);
    expect(lines[0]).toMatchObject(['error', expect.anything(), { actor: bad.id, step: 'fold Paused' }]);
    expect(good.snapshot.context.paused).not.toBeNull();
    expect(bad.declared.desired?.generation).toBe(1);
  });

  test.each(['update', 'Observe', 'settle'])('at %s is of its actor alone, and its place is said', async (step) => {
    const sound = { ...dummy };
    const broken: object = {
      update: {
        places: (spec: never) => {
          throw new Error(`a defect of ${JSON.stringify(spec)}`);
        },
      },
      Observe: {
        mustBeUp: () => {
          throw new Error('a defect');
        },
      },
      settle: {},
    }[step]!;
    await configured('a');
    Object.assign(dummy, broken);
    onTestFinished(() => {
      Reflect.deleteProperty(dummy, 'mustBeUp');
      Object.assign(dummy, sound);
    });
    runner.changed.subscribe(() => {
      if (step === 'settle') throw new Error('a defect');
    });
    tell('a', resync);
    await settled();
    expect(lines.map(([, , fields]) => fields['step'])).toContain(step);
  });
});

describe('a journal that cannot be written', () => {
  test('lets the node go on as long as there is room, and then suspends it', async () => {
    journal = new FakeJournal(8);
    await start();
    const actor = tell('a', changed('a'));
    await settled();
    expect(actor.snapshot.value).toBe('configured');
    journal.full = true;
    for (let times = 0; times < 7; times++) tell('a', { type: 'TimerElapsed', data: { timer: `t${times}` } });
    await settled();
    expect([runner.parked, runner.trouble]).toEqual([false, 'the disk is full']);
    told.length = 0;
    for (let times = 0; times < 3; times++) tell('a', { type: 'Paused', data: { by: `m${times}` } });
    await settled();
    expect([runner.parked, journal.room, actor.snapshot.context.paused]).toMatchObject([true, 0, { by: 'm0' }]);
    expect(lines.filter(([level]) => level === 'error').map(([, message]) => message)).toEqual([
      'failed to store events; keeping them in memory and retrying',
      'event buffer full: changes suspended until the journal is writable',
    ]);
    // What comes now waits, and is known of.
    tell('a', changed('a', 2));
    expect(actor.declared.desired?.generation).toBe(2);
    expect(actor.snapshot.context.desired?.generation).toBe(1);
    const home = await kernel.open('home');
    await home.deleteLink(home.link('a')!.index);
    await clock.pass(5000);
    expect(home.link('a')).toBeUndefined();
    journal.full = false;
    told.length = 0;
    await clock.pass(1000);
    expect([runner.parked, runner.trouble]).toEqual([false, null]);
    expect(told.slice(0, 2)).toEqual(['recovered', 'stored']);
    const types = journal.types().flat();
    expect(types.filter((what) => what === 'a Paused')).toHaveLength(2);
    expect(actor.snapshot.context).toMatchObject({ desired: { generation: 2 }, paused: { by: 'm2' } });
    tell('a', { type: 'Resumed', data: { by: 'test' } });
    await settled();
    expect(home.link('a')).toMatchObject({ up: true });
    expect(actor.declared).toBe(actor.snapshot.context);
  });

  test('is told to have recovered, where nothing had to wait', async () => {
    await configured('a');
    journal.full = true;
    tell('a', resync);
    await settled();
    journal.full = false;
    told.length = 0;
    runner.observed.subscribe(() => told.push('observed'));
    await clock.pass(1000);
    expect(told).toEqual(['recovered', 'stored']);
  });

  test('stores what waited as soon as it can be, and what happened to links meanwhile is healed', async () => {
    journal = new FakeJournal(8);
    await start();
    await configured('a');
    journal.full = true;
    for (let times = 0; times < 10; times++) tell('a', { type: 'TimerElapsed', data: { timer: `t${times}` } });
    await settled();
    const { attempts } = journal;
    tell('a', { type: 'TimerElapsed', data: { timer: 'late' } });
    await settled();
    expect([runner.parked, journal.attempts, journal.waiting.length]).toEqual([true, attempts, 8]);
    journal.full = false;
    await clock.pass(1000);
    expect(
      journal
        .types()
        .flat()
        .filter((what) => what === 'a TimerElapsed'),
    ).toHaveLength(11);
    for (let times = 0; times < 9; times++) tell('a', { type: 'TimerElapsed', data: { timer: `t${times}` } });
    journal.full = true;
    await settled();
    const home = await kernel.open('home');
    await home.deleteLink(home.link('a')!.index);
    await settled();
    expect([runner.parked, home.link('a')]).toEqual([true, undefined]);
    journal.full = false;
    await clock.pass(1000);
    expect(home.link('a')).toMatchObject({ up: true });
  });

  test('takes no snapshot, as events of it wait', async () => {
    const actor = await configured('a');
    actor.unsaved = 500;
    journal.full = true;
    tell('a', resync);
    await settled();
    expect(journal.saved).toEqual([]);
  });

  test('is written the ends of actors later, but for those that live again', async () => {
    for (const name of ['a', 'b']) {
      const actor = await configured(name);
      journal.full = true;
      runner.tell(actor, deleted(name), null);
      await settled();
      journal.full = name === 'a' ? false : journal.full;
      if (name === 'a') await clock.pass(1000);
    }
    expect([runner.actors.size, journal.forgotten]).toEqual([0, [idOf('a')]]);
    tell('b', changed('b'));
    journal.full = false;
    await clock.pass(1000);
    expect(journal.forgotten).toEqual([idOf('a')]);
  });

  test('is not tried any more after the end', async () => {
    tell('a', changed('a'));
    journal.full = true;
    runner.stop();
    journal.full = false;
    await clock.pass(10_000);
    expect([journal.batches, journal.saved]).toEqual([[], []]);
  });
});

const left = (name: string, more: object = {}): void => {
  const { id, snapshot } = new TestMailbox().declare(name, { interfaceName: name, type: 'dummy', up: true });
  journal.stored.push({ key: id, sequence: 1, body: JSON.stringify({ ...freeze(snapshot), ...more }) });
};

describe('a start', () => {
  test('tells every actor of the journal, and brings it back', async () => {
    left('a');
    left('b');
    runner.restore('1.2.3');
    expect([...runner.actors.keys()]).toEqual([idOf('a'), idOf('b')]);
    await settled();
    expect(journal.batches[0]?.map(({ type, data }) => [type, data])).toEqual([
      ['AgentStarted', { version: '1.2.3' }],
      ['AgentStarted', { version: '1.2.3' }],
    ]);
    expect(journal.batches[0]?.[0]?.causationId).toBeNull();
    expect([lines, runner.actor(key('b')).snapshot.value]).toEqual([[], 'configured']);
  });

  test('says what was lost, and what a later version wrote', async () => {
    journal.lost = { events: 3, since: '2026-01-01T00:00:00.000Z' };
    left('a', { machine: machineVersion + 2 });
    left('b', { machine: machineVersion + 1 });
    left('c');
    runner.restore('1.2.3');
    await settled();
    const { lost } = journal;
    expect(journal.batches[0]?.map(({ data }) => data)).toStrictEqual([
      { version: '1.2.3', lost, later: machineVersion + 2 },
      { version: '1.2.3', lost, later: machineVersion + 1 },
      { version: '1.2.3', lost },
    ]);
    expect(lines).toEqual([
      [
        'warn',
        'the journal was written by a later version of ifactor; keeping what this one understands of it, and adopting what the kernel shows',
        { interfaces: 2, machine: machineVersion + 2, own: machineVersion },
      ],
      ['error', 'events of the former run were lost: it ended before they could be stored', lost],
    ]);
  });

  test.each([
    ['deleted', true, 0],
    ['deleted', false, 1],
    ['pending', true, 1],
  ])('finds what had finished: %s, gone from the API: %s', (value, gone, kept) => {
    const deletion = { uid: 'uid-a', resourceVersion: '2', gone };
    const { context } = new TestMailbox().declare('a').snapshot;
    left('a', { value, context: { ...context, deletion } });
    runner.restore('1.2.3');
    expect([runner.actors.size, journal.forgotten.length]).toEqual([kept, 1 - kept]);
    expect(told).toEqual(kept === 0 ? ['forgotten a'] : []);
  });

  test('finds one that was deleted by nobody', () => {
    left('a', { value: 'deleted' });
    runner.restore('1.2.3');
    expect(runner.actors.size).toBe(1);
  });
});
