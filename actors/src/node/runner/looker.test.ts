import type { Clock } from '@ifactor/common';
import { TestClock } from '@ifactor/common/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { KernelError } from '../../kernel/index.ts';
import type { Netns } from '../../kernel/index.ts';
import { testLog } from '../../testing/log.ts';
import { bridgeSpec, learn, respecify, TestMailbox } from '../../testing/mailbox.ts';
import { MemoryKernel } from '../../testing/memory/kernel.ts';
import type { Actor } from './actor.ts';
import { Endpoints } from './endpoints.ts';
import { Looker } from './looker.ts';
import { Slots } from './slots.ts';

const cause = { id: 'e1', correlation: 'c1' };
const done = { id: 'round-1', cause: { id: 'e2', correlation: 'c2' } };
const absent = { links: { target: null }, strays: [], devices: {} };

let clock: TestClock;
let mailbox: TestMailbox;
let looker: Looker;
let home: Netns;
let seen: string[];
/** Timers that were started, and those that still run. */
let timers: { started: number; running: number };
let lines: ReturnType<typeof testLog>['lines'];

beforeEach(async () => {
  const kernel = new MemoryKernel();
  kernel.addNetns('home');
  home = await kernel.open('home');
  clock = new TestClock();
  mailbox = new TestMailbox();
  const { log, lines: written } = testLog();
  lines = written;
  timers = { started: 0, running: 0 };
  const counting: Clock = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after(milliseconds, elapsed) {
      timers.started++;
      timers.running++;
      let ended = false;
      const end = (): void => {
        if (!ended) timers.running--;
        ended = true;
      };
      const cancel = clock.after(milliseconds, () => {
        end();
        elapsed();
      });
      return () => {
        end();
        cancel();
      };
    },
  };
  const runtime = { clock: counting, random: { fraction: () => 0.25, uuid: () => 'uuid' }, log };
  const slots = new Slots(mailbox, { follow: () => () => undefined, close: () => undefined });
  const endpoints = new Endpoints(mailbox, runtime, () => Promise.reject(new Error('no names')));
  looker = new Looker(mailbox, runtime, slots, endpoints);
  seen = [];
  looker.observed.subscribe(({ key }) => seen.push(key.name));
});

/** An actor whose place is known, so that it asks for a look. */
function placed(name = 'br', spec: object = bridgeSpec, kind = 'netlinkinterface'): Actor {
  const actor = mailbox.declare(name, spec, { kind });
  const slots = kind === 'netlinkinterface' ? (['target'] as const) : (['home'] as const);
  for (const slot of slots) {
    actor.netns.set(slot, home);
    learn(actor, { type: 'NetnsResolved', data: { slot, netns: home.id } });
  }
  return actor;
}
/** One that was observed, with nothing asked for and nothing under way. */
function observedOnce(): Actor {
  const actor = placed();
  learn(actor, { type: 'Paused', data: { by: 'test' } });
  learn(actor, { type: 'LinkObserved', data: { observed: absent } });
  expect([actor.snapshot.context.running, actor.snapshot.context.asked.observe]).toEqual([null, false]);
  return actor;
}
const look = async (actor: Actor, because: typeof cause | null = cause): Promise<void> => {
  looker.look(actor, because);
  await clock.pass(0);
};
/** The first reading of the link does this first. */
function atReading(step: () => void): void {
  home.link = (name) => {
    Reflect.deleteProperty(home, 'link');
    step();
    return home.link(name);
  };
}
const asksForLook = (actor: Actor): void => learn(actor, { type: 'ResyncRequested', data: { by: 'test' } });

describe('a look', () => {
  test('that was asked for is told with its cause, also where it shows what was known', async () => {
    const actor = placed();
    expect(actor.snapshot.context.asked.observe).toBe(true);
    await look(actor);
    expect(mailbox.takeCaused()).toEqual([['br LinkObserved', { observed: absent }, cause]]);
    expect(seen).toEqual(['br']);
    const second = observedOnce();
    asksForLook(second);
    await look(second);
    expect(mailbox.take()).toEqual([['br LinkObserved', { observed: absent }]]);
  });

  test('that nobody asked for is told where it shows a change, and without a cause', async () => {
    const actor = observedOnce();
    await look(actor);
    expect([mailbox.take(), seen]).toEqual([[], ['br']]);
    await home.createLink({ kind: 'bridge', name: 'br0' });
    await home.barrier();
    await look(actor);
    expect(mailbox.takeCaused()).toMatchObject([
      ['br LinkObserved', { observed: { links: { target: { name: 'br0' } } } }, null],
    ]);
  });

  test('of an actor that was not observed yet, and did not ask, is not told', async () => {
    const actor = mailbox.declare('br');
    actor.netns.set('target', home);
    await look(actor);
    expect([mailbox.take(), seen]).toEqual([[], ['br']]);
  });

  test('of a healthy interface that differs is told as drift, with the cause where it was asked for', async () => {
    const actor = placed();
    await home.createLink({ kind: 'bridge', name: 'br0' });
    await home.barrier();
    const { index } = home.link('br0')!;
    await home.changeLink(index, { alias: 'ifactor:default/netlinkinterface/br', up: true, addrGenMode: 'none' });
    await home.barrier();
    await look(actor);
    const [told] = mailbox.take();
    learn(actor, { type: 'LinkObserved', data: told?.[1] } as never);
    expect(actor.snapshot.value).toBe('configured');
    await home.changeLink(index, { up: false });
    await home.barrier();
    const drift = [expect.objectContaining({ field: 'up' })];
    await look(actor);
    expect(mailbox.takeCaused()).toEqual([
      ['br DriftObserved', { observed: expect.anything() as object, drift }, null],
    ]);
    asksForLook(actor);
    await look(actor);
    expect(mailbox.takeCaused()).toEqual([
      ['br DriftObserved', { observed: expect.anything() as object, drift }, cause],
    ]);
  });

  test('after operations is told with their id and their cause, once', async () => {
    const actor = observedOnce();
    actor.performed = done;
    await look(actor);
    expect(mailbox.takeCaused()).toEqual([
      ['br LinkObserved', { observed: absent, operations: 'round-1' }, done.cause],
    ]);
    expect(actor.performed).toBeNull();
    await look(actor);
    expect(mailbox.take()).toEqual([]);
  });

  test('while operations run shows what is half done, and is not told', async () => {
    const actor = observedOnce();
    asksForLook(actor);
    actor.snapshot = { ...actor.snapshot, context: { ...actor.snapshot.context, running: 'round-1' } };
    await home.createLink({ kind: 'bridge', name: 'br0' });
    await home.barrier();
    await look(actor);
    expect(mailbox.take()).toEqual([]);
  });

  test('is one at a time: what is asked for meanwhile is one more, after it', async () => {
    const actor = observedOnce();
    for (let times = 0; times < 3; times++) looker.look(actor);
    expect(actor.looking).toBe(true);
    await clock.pass(0);
    expect([seen, actor.looking, actor.lookAgain]).toEqual([['br', 'br'], false, false]);
  });

  test('of an actor without a sound spec does not happen', async () => {
    await look(mailbox.add('bare'));
    expect([seen, mailbox.take()]).toEqual([[], []]);
  });

  test('is not begun while decisions are suspended, unless operations have ended', async () => {
    mailbox.parked = true;
    const actor = observedOnce();
    await look(actor);
    expect(seen).toEqual([]);
    actor.performed = done;
    await look(actor);
    expect(mailbox.take()).toHaveLength(1);
  });

  test('is not begun after the end', async () => {
    looker.stop();
    await look(placed());
    expect(seen).toEqual([]);
  });
});

describe('a look whose subject changed meanwhile is thrown away, and taken again where somebody waits for it:', () => {
  const changes: [string, (actor: Actor) => void][] = [
    ['another place', (actor) => void actor.epoch++],
    ['operations that ended', (actor) => void (actor.performed = done)],
    ['another spec', (actor) => respecify(actor, { ...bridgeSpec, interfaceName: 'br1' })],
  ];

  test.each(changes)('%s', async (which, change) => {
    await home.createLink({ kind: 'bridge', name: 'br1' });
    await home.barrier();
    const actor = observedOnce();
    asksForLook(actor);
    atReading(() => change(actor));
    await look(actor);
    expect([seen, timers.started]).toEqual([['br'], 0]);
    const [[, data] = []] = mailbox.take();
    expect(data).toMatchObject({ observed: { links: { target: which === 'another spec' ? { name: 'br1' } : null } } });
  });

  test('not where nobody does', async () => {
    const actor = observedOnce();
    atReading(() => actor.epoch++);
    await look(actor);
    expect([seen, mailbox.take()]).toEqual([[], []]);
  });
});

const fail = (error: Error, before: () => void = () => undefined): void =>
  atReading(() => {
    before();
    throw error;
  });

describe('a look that fails', () => {
  const refusal = new KernelError('EIO', 'read links');

  test.each<[string, (actor: Actor) => void]>([
    ['was asked for', asksForLook],
    ['shows the outcome of operations', (actor) => void (actor.performed = done)],
  ])('by the kernel is tried again after a second where it %s, with its cause', async (_, owe) => {
    const actor = observedOnce();
    owe(actor);
    fail(refusal);
    await look(actor);
    expect(lines).toEqual([
      ['warn', 'failed to read the kernel; retrying in 1 s', { actor: actor.id, error: 'cannot read links: EIO' }],
    ]);
    await clock.pass(999);
    expect([seen, mailbox.take()]).toEqual([[], []]);
    await clock.pass(1);
    expect(seen).toEqual(['br']);
    expect(mailbox.takeCaused()).toMatchObject([
      ['br LinkObserved', {}, actor.performed ? done.cause : expect.anything()],
    ]);
  });

  test('by the kernel is not tried again where nobody waits for it: the next notification brings another', async () => {
    const actor = observedOnce();
    fail(refusal);
    await look(actor);
    await clock.pass(10_000);
    expect([seen, lines.length]).toEqual([[], 1]);
  });

  test('while its place changed is tried again at once, and nothing is said', async () => {
    const actor = observedOnce();
    asksForLook(actor);
    fail(new Error('read of a closed netns'), () => actor.epoch++);
    await look(actor);
    expect([seen, lines, mailbox.failures]).toEqual([['br'], [], []]);
  });

  test('to be told is a failure of its actor', async () => {
    looker.observed.subscribe(() => {
      throw new Error('a defect');
    });
    await look(observedOnce());
    expect(mailbox.failures).toEqual(['br Observe: a defect']);
  });

  test('by a defect is a failure of its actor, which waits for no outcome any more', async () => {
    const actor = observedOnce();
    actor.performed = done;
    fail(new TypeError('a defect'));
    await look(actor);
    expect(mailbox.failures).toEqual(['br Observe: a defect']);
    expect([seen, actor.performed, actor.looking]).toEqual([[], null, false]);
  });
});

const toldOnce = async (actor: Actor): Promise<void> => {
  await look(actor);
  learn(actor, { type: 'Paused', data: { by: 'test' } });
  for (const [, data] of mailbox.take()) learn(actor, { type: 'LinkObserved', data } as never);
  expect(actor.snapshot.context.observed).not.toBeNull();
};

describe('a WireGuard device', () => {
  const wireguard = async (): Promise<Actor> => {
    await home.createLink({ kind: 'wireguard', name: 'wg0' });
    await home.barrier();
    const spec = { interfaceName: 'wg0', peers: [{ publicKey }] };
    const actor = placed('wg', spec, 'wireguardinterface');
    learn(actor, { type: 'SecretResolved', data: { ref: 'privateKey', version: '1', fingerprint: 'f' } });
    return actor;
  };
  const publicKey = Buffer.alloc(32, 7).toString('base64');
  const peer = (host: string | null, more: object = {}) =>
    home.wireguard.set('wg0', {
      peers: [{ publicKey, ...(host === null ? {} : { endpoint: { host, port: 1 } }), ...more }],
    });

  test('is looked at every 5 s, give or take a tenth, as long as it is there', async () => {
    const actor = await wireguard();
    looker.follow(actor);
    await clock.pass(10_000);
    expect(seen).toEqual([]);
    await toldOnce(actor);
    seen.length = 0;
    looker.follow(actor);
    looker.follow(actor);
    await clock.pass(4749);
    expect(seen).toEqual([]);
    await clock.pass(1);
    expect(seen).toEqual(['wg']);
    await clock.pass(4750);
    expect(seen).toEqual(['wg', 'wg']);
    actor.snapshot = { ...actor.snapshot, context: { ...actor.snapshot.context, observed: null } };
    looker.follow(actor);
    await clock.pass(60_000);
    expect(seen).toHaveLength(2);
  });

  test.each([
    ['is left alone after the end', () => looker.stop()],
    ['is left alone when its actor is gone', (actor: Actor) => looker.forget(actor)],
  ])('%s', async (_, end) => {
    const actor = await wireguard();
    await toldOnce(actor);
    looker.follow(actor);
    end(actor);
    expect(timers.running).toBe(0);
    await clock.pass(60_000);
    expect(seen).toEqual(['wg']);
  });

  test('is looked at again where it is there again', async () => {
    const actor = await wireguard();
    await toldOnce(actor);
    looker.follow(actor);
    looker.forget(actor);
    looker.follow(actor);
    await clock.pass(5000);
    expect(seen).toEqual(['wg', 'wg']);
  });

  test('is not followed after the end, and no other kind is', async () => {
    const bridge = observedOnce();
    looker.follow(bridge);
    await clock.pass(60_000);
    const actor = await wireguard();
    await toldOnce(actor);
    looker.stop();
    looker.follow(actor);
    await clock.pass(60_000);
    expect(seen).toEqual(['wg']);
  });

  test('of which a peer roams has not changed; one that loses its endpoint, or another thing, has', async () => {
    const actor = await wireguard();
    await peer('192.0.2.1');
    await toldOnce(actor);
    expect(actor.device).toMatchObject({ peers: [{ publicKey, endpoint: { host: '192.0.2.1' } }] });
    await peer('192.0.2.2');
    await look(actor, null);
    expect(mailbox.take()).toEqual([]);
    expect(actor.device).toMatchObject({ peers: [{ endpoint: { host: '192.0.2.2' } }] });
    await peer(null, { persistentKeepalive: 5 });
    await look(actor, null);
    expect(mailbox.take()).toHaveLength(1);
    await home.wireguard.set('wg0', { peers: [{ publicKey, remove: true }] });
    await peer(null);
    await look(actor, null);
    expect(mailbox.take()).toHaveLength(1);
    await home.wireguard.set('wg0', { listenPort: 7 });
    await look(actor, null);
    expect(mailbox.take()).toHaveLength(1);
  });
});
