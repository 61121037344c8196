import { TestClock } from '@ifactor/common/testing';
import { beforeEach, expect, test } from 'vitest';
import { connectPage } from './client.ts';
import type { LinkState, PageSocket } from './client.ts';

class Fake extends EventTarget {
  readonly sent: { id: number; ask: string }[] = [];
  readyState = 0;
  send(text: string): void {
    this.sent.push(JSON.parse(text) as { id: number; ask: string });
  }
  close(): void {
    this.end(1000);
  }
  open(): void {
    this.readyState = 1;
    this.dispatchEvent(new Event('open'));
  }
  say(message: object): void {
    this.dispatchEvent(new MessageEvent('message', { data: JSON.stringify(message) }));
  }
  end(code: number): void {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event('close'), { code }));
  }
}

let sockets: Fake[];
let clock: TestClock;
let links: LinkState['state'][];
const last = (): Fake => sockets.at(-1)!;

function fake(): PageSocket {
  const socket = new Fake();
  sockets.push(socket);
  return socket as unknown as PageSocket;
}

const begin = (onTold = (): void => {}): ReturnType<typeof connectPage> =>
  connectPage(fake, { onTold, onLink: ({ state }) => links.push(state) }, clock);

beforeEach(() => {
  clock = new TestClock();
  sockets = [];
  links = [];
});

test('answers find who asked, whatever their order', async () => {
  const client = begin();
  last().open();
  const first = client.ask('moment', { at: 1 });
  const second = client.ask('moment', { at: 2 });
  const [one, two] = last().sent;
  last().say({ id: two?.id, answer: 'second' });
  last().say({ id: one?.id, error: 'no such moment' });
  await expect(second).resolves.toBe('second');
  await expect(first).rejects.toThrow('no such moment');
});

test('what the server tells unasked is passed on', () => {
  const told: unknown[] = [];
  connectPage(fake, { onTold: (one) => told.push(one), onLink: () => {} });
  last().open();
  last().say({ tell: 'source', source: { kind: 'live', name: 'lab' } });
  expect(told).toEqual([{ tell: 'source', source: { kind: 'live', name: 'lab' } }]);
});

test('a lost connection is made again, and requests in flight fail', async () => {
  const client = begin();
  last().open();
  const asked = client.ask('moment', { at: null });
  last().end(1006);
  await expect(asked).rejects.toThrow('connection went');
  await clock.pass(500);
  expect(sockets).toHaveLength(2);
  last().end(1006);
  await clock.pass(500);
  expect(sockets, 'the second wait is longer').toHaveLength(2);
  await clock.pass(500);
  last().open();
  expect(links).toEqual(['connecting', 'open', 'lost', 'connecting', 'lost', 'connecting', 'open']);
});

test('a wrong token is not tried again', async () => {
  begin();
  last().end(4401);
  await clock.pass(60_000);
  expect(sockets).toHaveLength(1);
  expect(links).toEqual(['connecting', 'refused']);
});

test('a closed client stays closed', async () => {
  begin().close();
  await clock.pass(60_000);
  expect(sockets).toHaveLength(1);
});
