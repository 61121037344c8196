import { fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createLog } from '@ifactor/common';
import { encodeEvent } from '@ifactor/crds';
import type { RecordedEvent } from '@ifactor/crds';
import { ensureStreams, eventStoreOf, streams } from '@ifactor/common/nats';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { natsBench } from '../../testing/bench.ts';
import { someEvents, someKey } from '../../testing/events.ts';
import { startProxy } from '../../testing/proxy.ts';
import { readEvents } from '../../testing/stream.ts';
import { openJournal } from '../journal/journal.ts';
import type { Journal } from '../journal/journal.ts';
import { Shipper } from './shipper.ts';
import { systemRuntime } from '../../runtime.ts';

vi.setConfig({ testTimeout: 60_000 });
const node = 'lax1';
const keys = [someKey('a'), someKey('b'), someKey('c')];
const lines: string[] = [];
const runtime = systemRuntime(createLog('test', 'debug', (line) => lines.push(line)));

const bench = natsBench();
let journal: Journal;
beforeEach(() => {
  journal = openJournal(join(bench.folder, 'state'), { node });
  bench.cleanup(() => journal.close());
  lines.length = 0;
  lacking.length = 0;
});

/** How many events each look found that the journal lacks. */
const lacking: number[] = [];
const wentBack = (events: number): void => void lacking.push(events);

async function shipping(servers?: string, window?: number): Promise<Shipper> {
  const store = eventStoreOf(await bench.dial(servers));
  const shipper = new Shipper({ store, journal, runtime, wentBack, ...(window === undefined ? {} : { window }) });
  bench.cleanup(() => shipper.stop());
  return shipper;
}
function happen(count: number, shipper?: Shipper): void {
  journal.append(
    someEvents(
      journal,
      Array.from({ length: count }, (_, i) => keys[i % 3]!),
    ),
  );
  shipper?.wake();
}
const stored = async (): Promise<RecordedEvent[]> => readEvents(await bench.dial(), streams.events);
/** What a reader of the stream is to see: nothing twice, nothing left out, all in order. */
const whole = (from = 1): RecordedEvent[] => [...journal.read({ from })];
/** Appends now and then, until told to stop. */
function trickle(shipper: Shipper): () => void {
  const timer = setInterval(() => happen(20, shipper), 2);
  return () => clearInterval(timer);
}
const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
};
const here = (path: string): string => join(import.meta.dirname, path);
const manager = async () => jetstreamManager(await bench.dial());

/** The folder as it is now, to be put back later. */
const backUpState = (): (() => void) => {
  const [state, copy] = [join(bench.folder, 'state'), join(bench.folder, 'copy')];
  journal.close();
  cpSync(state, copy, { recursive: true });
  journal = openJournal(state, { node });
  return () => {
    journal.close();
    rmSync(state, { recursive: true });
    cpSync(copy, state, { recursive: true });
    journal = openJournal(state, { node });
  };
};

describe('a journal that went backwards', () => {
  test.each([
    [50, 100, 20],
    [50, 100, 200],
    [0, 100, 100],
  ])(
    'by a folder that was restored never ships other events under the ids of those it lost (%d, %d, %d)',
    async (before, lost, after) => {
      happen(before + 1);
      const first = await shipping();
      await first.idle();
      await first.stop();
      const restore = backUpState();
      happen(lost);
      const second = await shipping();
      await second.idle();
      await second.stop();
      const told = await stored();
      restore();
      // Before NATS is reached the node goes on already.
      happen(after);
      await (await shipping()).idle();
      const all = await stored();
      expect(all.slice(0, told.length)).toEqual(told);
      expect(all.slice(told.length)).toEqual(whole(before + 2));
      expect(new Set(all.map(({ id }) => id)).size).toBe(before + 1 + lost + after);
      expect(lines.join('')).toContain('the event stream has events of this node that the journal lacks');
      expect(lacking).toEqual([lost]);
    },
  );
});

describe('the journal is shipped', () => {
  test('in order, what was there before and what comes', async () => {
    happen(2000);
    const shipper = await shipping();
    await shipper.idle();
    happen(1, shipper);
    happen(700, shipper);
    await shipper.idle();
    expect(shipper.lag).toBe(0);
    expect(await stored()).toEqual(whole());
    expect(lines.filter((line) => line.includes('warn'))).toEqual([]);
    expect(lacking).toEqual([]);
  });

  test('on from where it was, after a restart that was not noted', async () => {
    happen(300);
    const first = await shipping();
    await first.idle();
    await first.stop();
    journal.markShipped({
      ...journal.shipped,
      sequence: 10,
      stream: { created: journal.shipped.stream!.created, sequence: 10 },
    });
    happen(300);
    await (await shipping()).idle();
    expect(await stored()).toEqual(whole());
  });

  test('beside other nodes', async () => {
    const other = openJournal(join(bench.folder, 'other'), { node: 'lax2' });
    bench.cleanup(() => other.close());
    const others = new Shipper({ store: eventStoreOf(await bench.dial()), journal: other, runtime });
    bench.cleanup(() => others.stop());
    const shipper = await shipping();
    for (let i = 0; i < 20; i++) {
      happen(50, shipper);
      other.append(
        someEvents(
          other,
          Array.from({ length: 50 }, () => keys[0]!),
        ),
      );
      others.wake();
      await new Promise(setImmediate);
    }
    await Promise.all([shipper.idle(), others.idle()]);
    const seen = await stored();
    for (const one of [node, 'lax2']) {
      expect(seen.filter((event) => event.node === one).map(({ sequence }) => sequence)).toEqual(
        Array.from({ length: 1000 }, (_, i) => i + 1),
      );
    }
  });
});

describe('nothing is lost and nothing doubled when', () => {
  test('NATS is away at first, or for a while', async () => {
    const shipper = await shipping();
    await bench.nats.kill();
    happen(500, shipper);
    await bench.nats.start();
    happen(500, shipper);
    await shipper.idle();
    expect(await stored()).toEqual(whole());
  });

  test('NATS is killed again and again during shipping', async () => {
    const shipper = await shipping();
    const stop = trickle(shipper);
    for (let i = 0; i < 5; i++) {
      const before = journal.shipped.sequence;
      await until(() => journal.shipped.sequence > before + 50);
      await bench.nats.kill();
      await bench.nats.start();
    }
    stop();
    await shipper.idle();
    expect(await stored()).toEqual(whole());
  });

  test('the disk of NATS is replaced by an empty one: all that the journal has is shipped again', async () => {
    const shipper = await shipping();
    happen(800, shipper);
    await shipper.idle();
    await bench.nats.kill();
    bench.nats.wipe();
    await bench.nats.start();
    happen(100, shipper);
    await shipper.idle();
    expect(await stored()).toEqual(whole());
  });

  test('the disk of NATS is replaced while events come', async () => {
    const shipper = await shipping();
    const stop = trickle(shipper);
    await until(() => journal.shipped.sequence > 300);
    await bench.nats.kill();
    bench.nats.wipe();
    await bench.nats.start();
    await until(() => journal.shipped.stream !== null && journal.shipped.sequence > 1500);
    stop();
    await shipper.idle();
    expect(await stored()).toEqual(whole());
  });

  test('the disk of NATS is replaced by an older copy', async () => {
    happen(500);
    const first = await shipping();
    await first.idle();
    await first.stop();
    const backup = join(bench.folder, 'backup');
    await bench.nats.kill('SIGTERM');
    cpSync(join(bench.folder, 'nats'), backup, { recursive: true });
    await bench.nats.start();
    happen(500);
    const second = await shipping();
    await second.idle();
    await second.stop();
    await bench.nats.kill();
    bench.nats.wipe();
    cpSync(backup, join(bench.folder, 'nats'), { recursive: true });
    await bench.nats.start();
    happen(10);
    await (await shipping()).idle();
    expect(await stored()).toEqual(whole());
  });

  test('the journal reaches back only so far', async () => {
    const shipper = await shipping();
    happen(300, shipper);
    await shipper.idle();
    await shipper.stop();
    for (const key of ['a', 'b', 'c']) journal.saveSnapshot(`netlinkinterface/default/${key}`, 300, '{}');
    journal.prune({ maxAge: -1000, maxBytes: Infinity, now: Date.now() });
    happen(50);
    await bench.nats.kill();
    bench.nats.wipe();
    await bench.nats.start();
    await (await shipping()).idle();
    expect(await stored()).toEqual(whole(301));
  });

  test('the stream is deleted under a living connection, and somebody else recreates it', async () => {
    const shipper = await shipping();
    happen(300, shipper);
    await shipper.idle();
    await (await manager()).streams.delete(streams.events);
    await ensureStreams(await bench.dial());
    happen(300, shipper);
    await until(() => shipper.lag === 0);
    // At the latest when the stream is looked at again, what came before is there, too.
    await shipper.stop();
    happen(1);
    await (await shipping()).idle();
    expect(await stored()).toEqual(whole());
  });

  test('events aged out of the stream: those stay gone', async () => {
    const shipper = await shipping();
    happen(300, shipper);
    await shipper.idle();
    await shipper.stop();
    await (await manager()).streams.purge(streams.events);
    happen(5);
    await (await shipping()).idle();
    expect(await stored()).toEqual(whole(301));
  });

  test('one message of many in flight was refused and later ones were stored: a hole is mended', async () => {
    happen(10);
    const first = await shipping();
    await first.idle();
    await first.stop();
    happen(10);
    const js = jetstream(await bench.dial());
    for (const event of [...journal.read({ from: 11 })].filter(({ sequence }) => sequence !== 12 && sequence !== 15)) {
      const attributes = headers();
      const { subject, payload } = encodeEvent(event, attributes);
      await js.publish(subject, payload, { msgID: event.id, headers: attributes });
    }
    await (await shipping()).idle();
    expect(await stored()).toEqual(whole());
  });

  test('the mending of a hole was cut short after the deletion', async () => {
    happen(20);
    const first = await shipping();
    await first.idle();
    await first.stop();
    const { created } = journal.shipped.stream!;
    for (let sequence = 15; sequence <= 20; sequence++)
      await (await manager()).streams.deleteMessage(streams.events, sequence);
    journal.markShipped({ sequence: 14, stream: { created, sequence: 14 } });
    await (await shipping()).idle();
    expect(await stored()).toEqual(whole());
  });

  test("a broken connection's bytes reach the server long after the new one went on", async () => {
    const proxy = await startProxy(bench.nats.port);
    bench.cleanup(() => proxy.stop());
    const shipper = await shipping(`nats://127.0.0.1:${proxy.port}`);
    happen(100, shipper);
    await shipper.idle();
    for (let round = 0; round < 3; round++) {
      proxy.hold();
      happen(300, shipper);
      await new Promise((resolve) => setTimeout(resolve, 50));
      const release = proxy.breakHolding();
      if (round === 0) await release();
      happen(100, shipper);
      await shipper.idle();
      await release();
      happen(100, shipper);
    }
    await shipper.idle();
    expect(await stored()).toEqual(whole());
  });

  test("a broken connection's bytes arrive while the new one looks and sends", async () => {
    const proxy = await startProxy(bench.nats.port);
    bench.cleanup(() => proxy.stop());
    const shipper = await shipping(`nats://127.0.0.1:${proxy.port}`, 64);
    happen(10, shipper);
    await shipper.idle();
    proxy.hold();
    happen(400, shipper);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const release = proxy.breakHolding();
    await Promise.all([shipper.idle(), release()]);
    expect(await stored()).toEqual(whole());
  });

  test('the agent is killed during shipping, again and again', async () => {
    journal.close();
    const state = join(bench.folder, 'state');
    const script = join(bench.folder, 'agent.ts');
    writeFileSync(
      script,
      `import { openJournal } from '${here('../journal/journal.ts')}';
       import { Shipper } from '${here('shipper.ts')}';
       import { someEvents, someKey } from '${here('../../testing/events.ts')}';
       import { createLog } from '${here('../../../../crds/common/src/index.ts')}';
       import { systemRuntime } from '${here('../../runtime.ts')}';
       import { connectOnce, eventStoreOf } from '${here('../../../../crds/common/src/nats.ts')}';
       const connection = await connectOnce({ servers: '${bench.nats.url}', name: 'agent' });
       const journal = openJournal('${state}', { node: '${node}' });
       const shipper = new Shipper({ store: eventStoreOf(connection), journal, runtime: systemRuntime(createLog('agent')) });
       for (;;) {
         if (shipper.lag < 1000) journal.append(someEvents(journal, Array.from({ length: 30 }, () => someKey('a'))));
         shipper.wake();
         process.send({ shipped: journal.sequence - shipper.lag });
         await new Promise((resolve) => setTimeout(resolve, 1));
       }`,
    );
    let shipped = 0;
    for (let i = 0; i < 5; i++) {
      const agent = fork(script, { execArgv: ['--disable-warning=ExperimentalWarning'] });
      const goal = shipped + 200;
      agent.on('message', (message: { shipped: number }) => {
        shipped = message.shipped;
        if (shipped >= goal) agent.kill('SIGKILL');
      });
      await once(agent, 'exit');
      expect(shipped).toBeGreaterThanOrEqual(goal);
    }
    journal = openJournal(state, { node });
    await (await shipping()).idle();
    expect(await stored()).toEqual(whole());
  });
});

describe('another journal of the same node', () => {
  test('follows the one that was torn, from its own beginning', async () => {
    happen(50);
    const before = [...journal.read()];
    const first = await shipping();
    await first.idle();
    await first.stop();
    journal.close();
    rmSync(join(bench.folder, 'state'), { recursive: true });
    journal = openJournal(join(bench.folder, 'state'), { node });
    happen(50);
    const second = await shipping();
    await second.idle();
    await second.stop();
    happen(5);
    await (await shipping()).idle();
    expect(await stored()).toEqual([...before, ...journal.read()]);
  });

  test('that a power cut set back goes on under new ids', async () => {
    happen(50);
    const lost = [...journal.read()];
    const first = await shipping();
    await first.idle();
    await first.stop();
    journal.close();
    const database = new DatabaseSync(join(bench.folder, 'state', 'journal.db'));
    database.exec(
      `DELETE FROM event WHERE sequence > 40; UPDATE epoch SET boot = 'before'; DELETE FROM meta WHERE name = 'shipped'`,
    );
    database.close();
    journal = openJournal(join(bench.folder, 'state'), { node });
    expect(journal.sequence).toBe(40);
    happen(20);
    await (await shipping()).idle();
    expect(await stored()).toEqual([...lost, ...journal.read({ from: 41 })]);
  });
});

test('an event that is too large for the server does not hold up the others', async () => {
  const shipper = await shipping();
  const [event] = someEvents(journal, [keys[0]!]);
  journal.append([{ ...event!, data: { timer: 'x'.repeat(2_000_000) } } as RecordedEvent]);
  happen(3, shipper);
  await shipper.idle();
  expect((await stored()).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
  expect(lines.join('')).toContain('event exceeds max_payload of NATS');
});
