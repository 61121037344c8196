import type { Desired, Key, SealedSecret } from '@ifactor/crds';
import { beforeEach, describe, expect, test } from 'vitest';
import { desiredObject } from '../../testing/desired.ts';
import { testLog } from '../../testing/log.ts';
import { bridgeSpec, learn, TestMailbox } from '../../testing/mailbox.ts';
import { spellKey } from '../journal/read.ts';
import type { Actor } from '../runner/actor.ts';
import type { Runner } from '../runner/runner.ts';
import { Signal } from '../runner/signal.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { DesiredReceiver } from './receiver.ts';
import { DesiredStore } from './store.ts';

/* What a receiver does with each message, one by one; `receiver.test.ts` tries it on a whole node. */

const key: Key = { kind: 'netlinkinterface', namespace: 'default', name: 'br0' };
const id = spellKey(key);
const sealed = (version: string): SealedSecret => ({ ref: 'privateKey', version, sender: 's', sealed: 'AA==' });
const message = (generation: number, more: Partial<Desired> = {}): Desired =>
  desiredObject('br0', generation, bridgeSpec, { uid: 'u1', resourceVersion: `${generation}0`, ...more });

class FakeRunner extends TestMailbox {
  readonly recovered = new Signal();
  readonly changed = new Signal<Actor>();
  readonly forgotten = new Signal<Actor>();

  actor({ name, kind }: Key): Actor {
    return this.actors.get(`${kind}/default/${name}`) ?? this.add(name, kind);
  }
}

let runner: FakeRunner;
let store: DesiredStore;
let written: Map<string, Desired>;
let settled: number;
/** What was asked of the secrets, in order. */
let asked: string[];
let failing: boolean;
let fingerprint: string | null;
let lines: ReturnType<typeof testLog>['lines'];
let receiver: DesiredReceiver;

class CountingStore extends DesiredStore {
  override settle(): void {
    settled++;
    super.settle();
  }
}

const does = (what: string, mayFail = true): void => {
  asked.push(what);
  if (mayFail && failing) throw new Error('no space');
};

function start(...stored: Desired[]): void {
  const { log, lines: found } = testLog();
  lines = found;
  runner = new FakeRunner();
  written = new Map(stored.map((one) => [`${one.kind.toLowerCase()}/${one.namespace}/${one.name}`, one]));
  store = new CountingStore(
    {
      allDesired: () => new Map(written),
      putDesired: (one, desired) => void written.set(one, desired),
      deleteDesired: (one) => void written.delete(one),
    },
    log,
  );
  settled = 0;
  const secrets = {
    learn: (one: Key, { generation }: Desired) => does(`learn ${one.name} ${generation}`, false),
    drop: (one: Key) => does(`drop ${one.name}`),
    retire: (one: Key) => does(`retire ${one.name}`),
    keep: (one: Key, former: SealedSecret[]) => does(`keep ${one.name} ${former.map(({ version }) => version).join()}`),
    resolve: (_: Key, ref: string) =>
      fingerprint === null
        ? { type: 'SecretMissing', data: { ref, reason: 'NotDelivered' } }
        : { type: 'SecretResolved', data: { ref, version: '1', fingerprint } },
  };
  receiver = new DesiredReceiver(runner as unknown as Runner, store, secrets as unknown as Secrets, log);
}
beforeEach(() => {
  [asked, failing, fingerprint] = [[], false, null];
  start();
});

/** Receives, and folds what the actors are told. */
function receive(...messages: Desired[]): unknown[] {
  for (const one of messages) receiver.receive(key, one);
  const told = runner.takeCaused();
  for (const [what, data] of told) learn(runner.actor(key), { type: what.split(' ')[1], data } as never);
  return told.map(([what]) => what);
}
const cause = (version: string, uid = 'u1') => ({ id: '', correlation: `${uid}@${version}` });

describe('a message', () => {
  test('is stored, its secrets learned and its news told, with the object and its version as their cause', () => {
    receiver.receive(key, message(1));
    expect(runner.takeCaused()).toMatchObject([['br0 SpecChanged', { generation: 1 }, cause('10')]]);
    expect([store.get(id), written.get(id), asked]).toEqual([message(1), message(1), ['learn br0 1']]);
  });

  test('that is older than what is known is refused, and that is said', () => {
    receive(message(2));
    asked = [];
    expect(receive(message(1))).toEqual([]);
    expect([store.get(id)?.generation, asked]).toEqual([2, []]);
    expect(lines).toEqual([
      [
        'warn',
        'refused a message about an object: a newer version is known',
        { actor: id, generation: 1, resourceVersion: '10', known: 2 },
      ],
    ]);
  });

  test('that says of what nobody knows that it is gone makes no actor', () => {
    receive(message(1, { deleted: true }));
    expect([runner.actors.size, store.all()]).toEqual([0, []]);
    runner.actor(key);
    receive(message(1, { deleted: true }));
    expect([store.all(), asked]).toEqual([[], []]);
  });

  test('that says of what is known that it is gone is taken', () => {
    receive(message(1));
    expect(receive(message(1, { deleted: true, spec: {} }))).toEqual(['br0 DeletionRequested']);
    expect(store.get(id)).toMatchObject({ deleted: true });
  });

  test('is taken as a step of its actor, whose failure is its own', () => {
    store.put = () => {
      throw new Error('a defect');
    };
    receive(message(1));
    expect(runner.failures).toEqual(['br0 receive: a defect']);
  });
});

describe('the keys of an interface', () => {
  test('are retired when another object takes its name, and not otherwise', () => {
    receive(message(1), message(2));
    expect(asked).toEqual(['learn br0 1', 'learn br0 2']);
    asked = [];
    receive(message(1, { uid: 'u2' }));
    expect(asked).toEqual(['retire br0', 'learn br0 1']);
    asked = [];
    receive(message(1, { uid: 'u3', deleted: true }));
    expect(asked).toEqual(['learn br0 1']);
  });

  test('are retired with it, and the message on it is deleted; a failure is said', () => {
    receive(message(1));
    failing = true;
    asked = [];
    runner.forgotten.emit(runner.actor(key));
    expect([asked, store.get(id), written.size]).toEqual([['retire br0'], undefined, 0]);
    expect(lines).toEqual([
      ['error', 'failed to retire the keys of a deleted interface', { actor: id, error: 'no space' }],
    ]);
  });

  test('of which the retirement fails keep no other object from its name', () => {
    receive(message(1));
    failing = true;
    expect(receive(message(1, { uid: 'u2' }))).toEqual(['br0 SpecChanged']);
    expect(lines).toEqual([
      ['error', 'failed to retire the keys of a deleted interface', { actor: id, error: 'no space' }],
    ]);
  });

  const trial = { ...bridgeSpec, confirm: { timeoutSeconds: 5 } };
  test('are kept where the next spec may be rolled back, and only then', () => {
    receive(message(1, { spec: trial, secrets: [sealed('1')] }));
    receive(message(2, { secrets: [sealed('2')] }));
    expect(asked.filter((what) => what.startsWith('keep'))).toEqual([]);
    receive(message(3, { spec: trial, secrets: [sealed('3')] }));
    expect(asked.filter((what) => what.startsWith('keep'))).toEqual(['keep br0 2']);
    expect(asked.slice(-2)).toEqual(['keep br0 2', 'learn br0 3']);
    failing = true;
    receive(message(4, { spec: trial }));
    expect(lines).toEqual([
      [
        'error',
        'failed to keep the secrets of the former spec; a rollback may lack them',
        { actor: id, error: 'no space' },
      ],
    ]);
  });

  test.each<[string, object | undefined, number]>([
    ['nothing is on trial', undefined, 1],
    ['a trial is over', { trial: null, rolledBack: null }, 1],
    ['there is a trial', { trial: {}, rolledBack: null }, 0],
    ['it was rolled back', { trial: null, rolledBack: {} }, 0],
  ])('of a former spec are dropped, or not, where %s', (_, confirm, times) => {
    receive(message(1));
    const actor = runner.actor(key);
    actor.snapshot = { ...actor.snapshot, context: { ...actor.snapshot.context, confirm: confirm as never } };
    asked = [];
    failing = true;
    runner.changed.emit(actor);
    expect(asked).toEqual(Array.from({ length: times }, () => 'drop br0'));
    expect(lines).toEqual(
      Array.from({ length: times }, () => [
        'error',
        'failed to drop the secrets of a former spec',
        { actor: id, error: 'no space' },
      ]),
    );
  });
});

describe('what a message says of secrets', () => {
  const missing = { ref: 'psk:x', reason: 'SecretNotFound', message: 'no' };

  test('is told where it is another than before', () => {
    receive(message(1));
    fingerprint = 'f1';
    const first = message(1, { resourceVersion: '11', secrets: [sealed('1')] });
    receiver.receive(key, first);
    const [[what, data, because] = []] = runner.takeCaused();
    expect([what, data, because]).toEqual([
      'br0 SecretResolved',
      { ref: 'privateKey', version: '1', fingerprint: 'f1' },
      cause('11'),
    ]);
    learn(runner.actor(key), { type: 'SecretResolved', data } as never);
    expect(receive(first)).toEqual([]);
    // The same key under another version is no news.
    expect(receive(message(1, { resourceVersion: '12', secrets: [sealed('2')] }))).toEqual([]);
    fingerprint = 'f2';
    expect(receive(message(1, { resourceVersion: '13', secrets: [sealed('3')] }))).toEqual(['br0 SecretResolved']);
  });

  test('is told where it is missing, and where it is back', () => {
    receive(message(1));
    expect(receive(message(1, { resourceVersion: '11', missing: [missing] }))).toEqual(['br0 SecretMissing']);
    fingerprint = 'f1';
    expect(receive(message(1, { resourceVersion: '12', secrets: [{ ...sealed('1'), ref: 'psk:x' }] }))).toEqual([
      'br0 SecretResolved',
    ]);
    expect(receive(message(1, { resourceVersion: '13', secrets: [{ ...sealed('2'), ref: 'psk:x' }] }))).toEqual([]);
    const actor = runner.actor(key);
    const { context } = actor.snapshot;
    actor.snapshot = { ...actor.snapshot, context: { ...context, missing: { 'psk:x': 'NotDelivered' } } };
    expect(receive(message(1, { resourceVersion: '14', secrets: [{ ...sealed('3'), ref: 'psk:x' }] }))).toEqual([
      'br0 SecretResolved',
    ]);
  });
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('while no event can be made', () => {
  test('the last message on each object waits, and is taken after what waited before it', async () => {
    runner.parked = true;
    expect(receive(message(1), message(2))).toEqual([]);
    expect([store.all(), asked]).toEqual([[], []]);
    runner.parked = false;
    // It is not overtaken.
    expect(receive(message(3))).toEqual([]);
    runner.recovered.emit();
    expect([settled, store.all()]).toEqual([1, []]);
    await turn();
    expect(runner.take()).toMatchObject([['br0 SpecChanged', { generation: 3 }]]);
    expect(receive(message(4))).toEqual(['br0 SpecChanged']);
    runner.recovered.emit();
    await turn();
    expect([runner.take(), settled]).toEqual([[], 2]);
  });
});

describe('a start', () => {
  const plan = message(1, { kind: 'WireGuardNetworkPlan', name: 'plan' });

  test('learns the secrets of what is stored, and tells what the log lacks', () => {
    start(message(3), plan);
    receiver.learnSecrets();
    expect(asked).toEqual(['learn br0 3']);
    receiver.restore();
    expect(runner.takeCaused()).toMatchObject([['br0 SpecChanged', { generation: 3 }, cause('30')]]);
    expect([...runner.actors.keys()]).toEqual([id]);
  });

  test.each<[string, object, number]>([
    ['an older generation', { generation: 4 }, 0],
    ['the same one', { generation: 3 }, 0],
    ['a newer generation', { generation: 2 }, 1],
    ['another object', { uid: 'u0', generation: 4 }, 1],
    ['the same one, read otherwise', { generation: 3, spec: { ...bridgeSpec, mtu: 1300 } }, 1],
  ])('tells what is stored, or not, where it is of %s', (_, known, count) => {
    start(message(3));
    runner.declare('br0', bridgeSpec, { uid: 'u1', ...known });
    receiver.restore();
    expect(runner.take()).toHaveLength(count);
  });
});
