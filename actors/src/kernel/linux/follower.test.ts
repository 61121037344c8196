import { TestClock } from '@ifactor/common/testing';
import { describe, expect, it } from 'vitest';
import { KernelFollower } from './follower.ts';
import type { Notification } from './cache.ts';
import type { Link, NetnsChange } from '../kernel.ts';
import type { SocketHandlers } from '../socket/socket.ts';
import { messages, MessageWriter } from '../wire/attribute.ts';

const port = 99;

const link = (index: number, mtu = 1500): Link => ({
  index,
  name: `l${index}`,
  kind: 'bridge',
  up: false,
  flags: [],
  operState: 'unknown',
  mtu,
  alias: null,
  master: null,
  mac: null,
  group: 0,
  linkNetnsId: null,
  peerIndex: null,
});

/** RTM_NEWLINK or RTM_DELLINK as the kernel sends it. */
function linkMessage(
  type: number,
  index: number,
  options: { mtu?: number; family?: number; seq?: number } = {},
): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt8(options.family ?? 0, 0);
  header.writeInt32LE(index, 4);
  const data = new MessageWriter(type, 0)
    .raw(header)
    .text(3, `l${index}`)
    .u32(4, options.mtu ?? 1500)
    .nest(18, (info) => info.text(1, 'bridge'))
    .finish();
  data.writeUInt32LE(options.seq ?? 0, 8);
  data.writeUInt32LE(options.seq === undefined ? 0 : port, 12);
  return data;
}

type Dump = (fold: (notification: Notification) => void) => Promise<boolean>;

/** A follower whose kernel is the test: it answers barriers when told to. */
function follow(
  dump: Dump,
  clock = new TestClock(),
): {
  follower: KernelFollower;
  handlers: SocketHandlers;
  asked: () => number;
  answer: () => void;
  changes: NetnsChange[];
  reported: unknown[];
} {
  const questions: Buffer[] = [];
  const changes: NetnsChange[] = [];
  const reported: unknown[] = [];
  let handlers: SocketHandlers | undefined;
  const follower = new KernelFollower({
    clock,
    source: {
      openMonitor(own) {
        handlers = own;
        return {
          port,
          send: (data) => {
            questions.push(...data);
          },
          keepAlive: () => {},
          close: () => {},
        };
      },
      dump,
      present: (notification) => notification,
    },
    handlers: {
      emit: (change) => changes.push(change),
      report: (error) => reported.push(error),
      crowded: () => {},
    },
    maxLinks: 100,
  });
  const answer = (): void => {
    for (const question of questions.splice(0))
      handlers!.receive(linkMessage(16, 1, { seq: [...messages(question)][0]!.seq }));
  };
  return { follower, handlers: handlers!, asked: () => questions.length, answer, changes, reported };
}

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

describe('follower', () => {
  it('folds what came during a dump over the dump', async () => {
    const dumped = Promise.withResolvers<boolean>();
    const { follower, handlers, answer, changes } = follow((fold) => {
      for (const index of [1, 2, 3]) fold({ type: 'newLink', link: link(index) });
      return dumped.promise;
    });
    const done = follower.resync();
    // Older than the dump, and something after it may have been lost.
    handlers.receive(linkMessage(16, 2, { mtu: 1234 }));
    answer();
    await turn();
    handlers.receive(linkMessage(16, 2, { mtu: 1400 }));
    handlers.receive(linkMessage(17, 3));
    handlers.receive(linkMessage(16, 4));
    expect(follower.cache.linkAt(4)).toBeUndefined();
    dumped.resolve(false);
    await turn();
    // Queued before the dump ended, read only now.
    handlers.receive(linkMessage(16, 4, { mtu: 1300 }));
    answer();
    await done;
    expect([...follower.cache.links()].map(({ index, mtu }) => [index, mtu])).toEqual([
      [1, 1500],
      [2, 1400],
      [4, 1300],
    ]);
    expect(changes.at(-1)).toEqual({ type: 'resync' });
    expect(changes.filter(({ type }) => type === 'link')).toHaveLength(4);
  });

  it('ignores what bridges tell of their ports', async () => {
    const { follower, handlers } = follow(async () => false);
    handlers.receive(linkMessage(16, 5));
    handlers.receive(linkMessage(17, 5, { family: 7 }));
    handlers.receive(linkMessage(16, 6, { family: 7 }));
    expect([...follower.cache.links()].map(({ index }) => index)).toEqual([5]);
  });

  it('tells nothing of a notification that changes nothing', () => {
    const { handlers, changes } = follow(async () => false);
    handlers.receive(linkMessage(16, 5));
    handlers.receive(linkMessage(16, 5));
    expect(changes).toEqual([{ type: 'link', index: 5, name: 'l5' }]);
  });

  it('reads again after an overrun and tells what it missed; a barrier waits for that', async () => {
    let links = [link(1), link(2), link(3)];
    const { follower, handlers, answer, changes } = follow(async (fold) => {
      for (const one of links) fold({ type: 'newLink', link: one });
      return false;
    });
    const first = follower.resync();
    for (let barrier = 0; barrier < 2; barrier++) {
      answer();
      await turn();
    }
    await first;
    changes.length = 0;
    links = [link(1), link(3, 1400), link(4)];
    const passed: string[] = [];
    const barrier = follower.barrier().then(() => passed.push('barrier'));
    handlers.broken(Object.assign(new Error('ran over'), { code: 'ENOBUFS' }));
    await turn();
    expect(passed).toEqual([]);
    answer();
    await turn();
    expect(passed).toEqual([]);
    answer();
    await barrier;
    expect(changes).toEqual([
      { type: 'linkRemoved', index: 2, name: 'l2' },
      { type: 'link', index: 3, name: 'l3' },
      { type: 'link', index: 4, name: 'l4' },
      { type: 'resync' },
    ]);
  });

  it('dumps again when the kernel says that it was interrupted, or when an overrun comes meanwhile', async () => {
    let dumps = 0;
    const { follower, handlers, answer } = follow(async () => ++dumps === 1);
    const done = follower.resync();
    const pass = async (): Promise<void> => {
      answer();
      await turn();
    };
    for (let barrier = 0; barrier < 3; barrier++) await pass();
    expect(dumps).toBe(2);
    handlers.broken(new Error('ran over'));
    await turn();
    for (let barrier = 0; barrier < 2; barrier++) await pass();
    await done;
    expect(dumps).toBe(3);
  });

  it('asks again when no answer comes', async () => {
    const clock = new TestClock();
    const { follower, asked, answer } = follow(async () => false, clock);
    const barrier = follower.barrier();
    await clock.pass(250);
    expect(asked()).toBe(3);
    answer();
    await barrier;
    expect(asked()).toBe(0);
  });

  it('asks one barrier at a time and lets later callers share the next', async () => {
    const { follower, asked, answer } = follow(async () => false);
    const passed: string[] = [];
    const all = ['a', 'b', 'c'].map((name) => follower.barrier().then(() => passed.push(name)));
    expect(asked()).toBe(1);
    answer();
    await turn();
    expect(passed).toEqual(['a']);
    expect(asked()).toBe(1);
    answer();
    await Promise.all(all);
    expect(passed).toEqual(['a', 'b', 'c']);
  });

  it('reports a failing dump, keeps following, and lets barriers pass', async () => {
    const { follower, handlers, answer, reported } = follow(async () => {
      throw new Error('no memory');
    });
    handlers.broken(new Error('ran over'));
    answer();
    await turn();
    expect(reported).toMatchObject([{ message: 'no memory' }]);
    handlers.receive(linkMessage(16, 5));
    const barrier = follower.barrier();
    answer();
    await barrier;
    expect(follower.cache.linkAt(5)).toBeDefined();
    follower.close();
  });
});
