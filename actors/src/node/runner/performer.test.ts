import type { KernelOperation } from '@ifactor/crds';
import { beforeEach, describe, expect, test } from 'vitest';
import { KernelError } from '../../kernel/index.ts';
import type { Netns } from '../../kernel/index.ts';
import { testLog } from '../../testing/log.ts';
import { TestMailbox } from '../../testing/mailbox.ts';
import { MemoryKernel } from '../../testing/memory/kernel.ts';
import type { Actor } from './actor.ts';
import { Performer } from './performer.ts';
import { Slots } from './slots.ts';

const cause = { id: 'e1', correlation: 'c1' };
const mark = 'ifactor:default/netlinkinterface/br';
const create = (name: string, more: object = {}): KernelOperation & { type: 'CreateLink' } => ({
  type: 'CreateLink',
  slot: 'target',
  name,
  mark,
  link: { kind: 'bridge' },
  ...more,
});
const up = (name: string): KernelOperation => ({ type: 'ChangeLink', slot: 'target', name, change: { up: true } });
const publicKey = Buffer.alloc(32, 7).toString('base64');
const setPeer = (endpoint: string, key = publicKey): KernelOperation => ({
  type: 'SetPeer',
  slot: 'home',
  name: 'wg0',
  publicKey: key,
  change: { endpoint },
});

let mailbox: TestMailbox;
let performer: Performer;
let home: Netns;
let actor: Actor;
let performed: string[];
let asked: string[];
let answers: Map<string, Promise<readonly string[]>>;
let lines: ReturnType<typeof testLog>['lines'];

beforeEach(async () => {
  const kernel = new MemoryKernel({ unsupported: ['vrf'] });
  kernel.addNetns('home');
  home = await kernel.open('home');
  mailbox = new TestMailbox();
  const { log, lines: written } = testLog();
  [lines, performed, asked, answers] = [written, [], [], new Map()];
  const slots = new Slots(mailbox, {
    follow: (_, listener) => {
      listener({ netns: home });
      return () => undefined;
    },
    close: () => undefined,
  });
  const resolve = (host: string) => {
    asked.push(host);
    return answers.get(host) ?? Promise.reject(new Error('NXDOMAIN'));
  };
  const use = (key: { name: string }, fingerprint: string): Buffer => {
    asked.push(`${key.name}/${fingerprint}`);
    return Buffer.alloc(32, 1);
  };
  performer = new Performer(mailbox, { use }, slots, resolve, log);
  performer.performed.subscribe(({ key }) => performed.push(key.name));
  actor = placed('br');
});

function placed(name: string): Actor {
  const made = mailbox.add(name);
  for (const slot of ['home', 'target'] as const) made.netns.set(slot, home);
  return made;
}
const perform = (...operations: KernelOperation[]): Promise<void> =>
  performer.perform(actor, 'round-1', operations, cause);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a list of operations', () => {
  test('is performed in order; each is told, and at the end the kernel shows it all', async () => {
    let shown: unknown;
    performer.performed.subscribe(() => (shown = home.link('br1')?.up));
    await perform(create('br0'), create('br1'), up('br1'));
    expect(mailbox.takeCaused()).toMatchObject([
      ['br LinkCreated', { operations: 'round-1', slot: 'target', name: 'br0' }, cause],
      ['br LinkCreated', { operations: 'round-1', name: 'br1' }, cause],
      ['br LinkChanged', { operations: 'round-1', name: 'br1', change: { up: true } }, cause],
    ]);
    expect(actor.performed).toEqual({ id: 'round-1', cause });
    expect([performed, shown]).toEqual([['br'], true]);
  });

  test('ends at the first failure, which is told in the words of the kernel', async () => {
    await perform(create('br0'), up('br9'), create('br1'));
    expect(mailbox.takeCaused()).toEqual([
      ['br LinkCreated', expect.objectContaining({ name: 'br0' }), cause],
      [
        'br OperationFailed',
        {
          operations: 'round-1',
          operation: up('br9'),
          code: 'ENODEV',
          message: 'cannot find br9: no such link (ENODEV); retrying',
        },
        cause,
      ],
    ]);
    expect([performed, actor.performed, home.link('br1')]).toEqual([[], null, undefined]);
  });

  test('fails with the module that the kernel lacks', async () => {
    await perform(create('v0', { link: { kind: 'vrf', vrf: { table: 7 } } }));
    expect(mailbox.take()).toMatchObject([['br OperationFailed', { code: 'EOPNOTSUPP', module: 'vrf' }]]);
  });

  test('fails by what is no error of the kernel, too', async () => {
    home.createLink = () => Promise.reject(new TypeError('a defect'));
    await perform(create('br0'));
    expect(mailbox.take()).toEqual([
      ['br OperationFailed', { operations: 'round-1', operation: create('br0'), code: 'Failed', message: 'a defect' }],
    ]);
  });

  test('fails where the netns of its slot is gone', async () => {
    actor.netns.delete('target');
    await perform(create('br0'));
    expect(mailbox.take()).toMatchObject([
      ['br OperationFailed', { code: 'ENOENT', message: 'cannot use the netns of target: it is gone (ENOENT)' }],
    ]);
  });

  test('has ended where a netns closed after the last of them: its place tells that', async () => {
    await home.createLink({ kind: 'bridge', name: 'br0' });
    await home.barrier();
    home.changeLink = async (...given) => {
      Reflect.deleteProperty(home, 'changeLink');
      await home.changeLink(...given);
      home.barrier = () => Promise.reject(new KernelError('ECLOSED', 'wait'));
    };
    await perform(up('br0'));
    expect(performed).toEqual(['br']);
    home.changeLink = async () => actor.netns.delete('target');
    await perform(up('br0'));
    expect(performed).toEqual(['br', 'br']);
  });

  test('uses the secrets of its own interface', async () => {
    await home.createLink({ kind: 'wireguard', name: 'wg0' });
    await perform({ type: 'SetWireGuard', slot: 'home', name: 'wg0', change: { privateKey: 'f' } });
    expect([asked, mailbox.take().length]).toEqual([['br/f'], 1]);
  });
});

const stray = (netns: string, index: number): KernelOperation => ({
  type: 'RemoveStray',
  netns,
  name: 'old0',
  index,
  mark,
});

describe('a stray', () => {
  test('is removed in the netns that it is in', async () => {
    await home.createLink({ kind: 'bridge', name: 'old0' });
    await home.barrier();
    await perform(stray(home.id, home.link('old0')!.index));
    await home.barrier();
    expect([home.link('old0'), mailbox.take().length]).toEqual([undefined, 1]);
    await perform(stray('9', 1));
    expect(mailbox.take()).toMatchObject([['br LinkRemoved', { absent: true }]]);
  });

  test('that cannot be removed is said and left, and the rest is done', async () => {
    await home.createLink({ kind: 'bridge', name: 'old0' });
    await home.barrier();
    const { index } = home.link('old0')!;
    home.deleteLink = () => Promise.reject(new KernelError('EOPNOTSUPP', 'delete old0'));
    await perform(stray(home.id, index), create('br0'));
    const error = expect.stringMatching(/^cannot delete old0: .*\(EOPNOTSUPP\)/) as string;
    expect(mailbox.takeCaused()).toEqual([
      [
        'br StrayLeft',
        { operations: 'round-1', netns: home.id, name: 'old0', index, code: 'EOPNOTSUPP', message: error },
        cause,
      ],
      ['br LinkCreated', expect.objectContaining({ name: 'br0' }), cause],
    ]);
    expect(performed).toEqual(['br']);
    expect(lines).toEqual([
      [
        'warn',
        'failed to remove a link with the mark of an interface; left as it is',
        { actor: actor.id, link: 'old0', netns: home.id, error },
      ],
    ]);
  });
});

const hosts = async (): Promise<(string | undefined)[]> =>
  (await home.wireguard.get('wg0')).peers.map(({ endpoint }) => endpoint?.host);

test('a stray that is left by a defect is told with that', async () => {
  await home.createLink({ kind: 'bridge', name: 'old0' });
  await home.barrier();
  home.deleteLink = () => Promise.reject(new TypeError('a defect'));
  await perform({ type: 'RemoveStray', netns: home.id, name: 'old0', index: home.link('old0')!.index, mark });
  expect(mailbox.take()).toMatchObject([['br StrayLeft', { code: 'Failed', message: 'a defect' }]]);
});

describe('the names of peers', () => {
  const other = Buffer.alloc(32, 8).toString('base64');
  beforeEach(async () => {
    await home.createLink({ kind: 'wireguard', name: 'wg0' });
    await home.barrier();
  });

  test('are asked for at once and once each, and the first address is written', async () => {
    answers.set('a.test', Promise.resolve(['192.0.2.1', '192.0.2.2']));
    answers.set('b.test', Promise.resolve(['192.0.2.3']));
    const done = perform(
      setPeer('a.test:1'),
      setPeer('192.0.2.9:1', other),
      setPeer('b.test:2', other),
      setPeer('a.test:3'),
    );
    expect(asked).toEqual(['a.test', 'b.test']);
    await done;
    expect(mailbox.take().map(([what]) => what)).toEqual(Array.from({ length: 4 }, () => 'br PeerChanged'));
    expect(new Set(await hosts())).toEqual(new Set(['192.0.2.1', '192.0.2.3']));
    expect(asked).toHaveLength(2);
  });

  test("that are not needed any more, after a failure, are nobody's concern", async () => {
    const unhandled: unknown[] = [];
    const collect = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', collect);
    await perform(up('br9'), setPeer('a.test:1'));
    for (let turns = 0; turns < 3; turns++) await turn();
    process.off('unhandledRejection', collect);
    expect([asked, unhandled]).toEqual([['a.test'], []]);
  });

  test('without an address leave the rest as it is', async () => {
    await perform(setPeer('a.test:1'), {
      type: 'SetPeer',
      slot: 'home',
      name: 'wg0',
      publicKey: other,
      change: { persistentKeepalive: 5 },
    });
    expect(mailbox.take()).toMatchObject([
      ['br EndpointUnresolved', { message: 'a.test has no address now (NXDOMAIN); retrying' }],
      ['br PeerChanged', { endpoint: null }],
      ['br PeerChanged', { publicKey: other }],
    ]);
    expect(performed).toEqual(['br']);
  });
});

const under = (who: Actor, ...operations: KernelOperation[]): void =>
  void performer.perform(who, 'round-1', operations, cause);

describe('links that are made at home under one name', () => {
  /** Requests that wait for their answer. */
  let waiting: { name: string; answer: () => void }[];
  let other: Actor;
  beforeEach(() => {
    waiting = [];
    other = placed('other');
    home.createLink = ({ name }) => new Promise((resolve) => waiting.push({ name, answer: resolve }));
  });
  const names = async (): Promise<string[]> => {
    await turn();
    return waiting.map(({ name }) => name);
  };
  const born = create('wg0', { slot: 'home', link: { kind: 'wireguard' } });

  test('are made one after the other, each after the end of the last', async () => {
    const third = placed('third');
    for (const who of [actor, other, third]) under(who, born);
    expect(await names()).toEqual(['wg0']);
    waiting[0]?.answer();
    expect(await names()).toEqual(['wg0', 'wg0']);
    waiting[1]?.answer();
    expect(await names()).toEqual(['wg0', 'wg0', 'wg0']);
    waiting[2]?.answer();
    await turn();
    // None of them is there: each said that it failed, and the next went on.
    expect(mailbox.take().map(([what]) => what)).toEqual(
      ['br', 'other', 'third'].map((name) => `${name} OperationFailed`),
    );
    under(actor, born);
    expect(await names()).toHaveLength(4);
  });

  test.each<[string, KernelOperation[], number, number]>([
    ['another name', [create('wg1', { slot: 'home' })], 2, 0],
    ['another place', [create('wg0')], 2, 0],
    ['what is taken elsewhere', [{ type: 'AdoptLink', slot: 'target', name: 'wg0', index: 1, mark }], 1, 1],
    ['but for what is taken at home', [{ type: 'AdoptLink', slot: 'home', name: 'wg0', index: 1, mark }], 1, 0],
    ['but for what is moved from home', [{ type: 'MoveLink', from: 'home', slot: 'target', name: 'wg0' }], 1, 0],
    ['but for one of several', [up('br9'), born], 1, 0],
  ])('wait for no other: %s', async (_, operations, begun, told) => {
    under(actor, born);
    await turn();
    under(other, ...operations);
    expect(await names()).toHaveLength(begun);
    expect(mailbox.take()).toHaveLength(told);
  });

  test('wait only for those: what is made elsewhere waits for nothing', async () => {
    under(actor, create('a0'));
    under(other, create('b0'));
    expect(await names()).toEqual(['a0', 'b0']);
  });

  test('wait for nobody where there is no home', async () => {
    under(actor, born);
    await turn();
    other.netns.delete('home');
    under(other, born);
    await turn();
    expect(mailbox.take()).toMatchObject([['other OperationFailed', { code: 'ENOENT' }]]);
  });

  test('wait with their names resolved, so that the next need not wait for those', async () => {
    const answer = Promise.withResolvers<string[]>();
    answers.set('slow.test', answer.promise);
    under(actor, born, setPeer('slow.test:1'));
    under(other, born);
    expect(await names()).toEqual(['wg0']);
    waiting[0]?.answer();
    await turn();
    expect(mailbox.take().map(([what]) => what)).toEqual(['other OperationFailed']);
    answer.resolve(['192.0.2.1']);
    expect(await names()).toEqual(['wg0', 'wg0']);
  });
});
