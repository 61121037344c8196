import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '@ifactor/common';
import { formatDesiredSubject, NodeEntrySchema } from '@ifactor/crds';
import type { NodeEntry, RecordedEvent } from '@ifactor/crds';
import { ensureStreams } from '@ifactor/common/nats';
import { jetstream } from '@nats-io/jetstream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { fold, hashOf, initial } from '../interface/machine/fold.ts';
import type { Bench } from '../testing/kernel/suite.ts';
import { natsBench } from '../testing/bench.ts';
import { desiredObject } from '../testing/desired.ts';
import { openMemory } from '../testing/memory/bench.ts';
import { TestNode } from '../testing/node.ts';
import { startAgent } from './agent.ts';
import { readJournal } from './journal/read.ts';
import type { Actor } from './runner/actor.ts';
import { serve } from './serve.ts';
import { systemRuntime } from '../runtime.ts';

vi.setConfig({ testTimeout: 60_000 });
const numbersOf = (events: RecordedEvent[]): number[] => events.map(({ sequence }) => sequence);

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

// A mount needs root.
describe.skipIf(process.getuid?.() !== 0)('a node whose disk is full', () => {
  let bench: Bench;
  let path: string;
  let folder: string;
  let node: TestNode;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ifactor-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m,mode=700', 'tmpfs', folder]);
    bench = await openMemory();
    path = await bench.addNetns();
    node = start();
  });
  afterEach(async () => {
    node.stop();
    await bench.close();
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true });
  });

  const start = (): TestNode => new TestNode({ kernel: bench.kernel, path: () => path, folder });
  const fillDisk = (): void => {
    expect(() => writeFileSync(join(folder, 'filler'), Buffer.alloc(64 << 20))).toThrow('ENOSPC');
  };
  const freeDisk = (): void => rmSync(join(folder, 'filler'));
  const bridge = (): Actor =>
    node.apply('NetlinkInterface', 'br0', { interfaceName: 'br0', type: 'bridge', up: true, mtu: 1400 });
  const mtu = async (): Promise<number | undefined> => (await bench.kernel.open(path)).link('br0')?.mtu;
  const sabotage = async (value: number): Promise<void> => {
    const netns = await bench.kernel.open(path);
    await netns.changeLink(netns.link('br0')?.index ?? 0, { mtu: value });
  };
  /** Looks for which somebody asks: two events each. */
  const ask = (actor: Actor, times: number): void => {
    for (let i = 0; i < times; i++) node.runner.tell(actor, { type: 'ResyncRequested', data: { by: 'test' } }, null);
  };
  const stored = async (): Promise<void> => {
    while (node.runner.trouble !== null) await turn();
  };

  test('heals on, and stores what waited as soon as there is room, though nothing happens any more', async () => {
    const actor = bridge();
    await node.settles(actor, 'configured');
    fillDisk();
    ask(actor, 3000);
    await turn();
    expect(node.runner.trouble).toContain('the disk is full');
    expect(node.runner.parked).toBe(false);
    await sabotage(1300);
    await node.until(
      () =>
        actor.lastEvent?.type === 'LinkObserved' &&
        actor.snapshot.context.running === null &&
        actor.snapshot.context.round === 2,
    );
    expect(await mtu()).toBe(1400);
    const made = node.journal.sequence;
    expect(node.journal.last()).toBeLessThan(made);
    freeDisk();
    await stored();
    expect(node.journal.last()).toBe(made);
    expect(numbersOf(node.events())).toEqual(Array.from({ length: made }, (_, i) => i + 1));
  });

  test('makes no more events than it can keep, and goes on by a fresh look when there is room', async () => {
    const actor = bridge();
    await node.settles(actor, 'configured');
    fillDisk();
    ask(actor, 12_000);
    await node.until(() => node.runner.parked);
    const made = node.journal.sequence;
    expect(node.journal.room).toBe(0);
    await sabotage(1300);
    // What is asked for meanwhile waits, and is asked for once.
    ask(actor, 500);
    node.apply('NetlinkInterface', 'br1', { interfaceName: 'br1', type: 'bridge', up: true });
    await turn();
    expect(await mtu()).toBe(1300);
    expect(node.journal.sequence).toBe(made);

    freeDisk();
    await stored();
    await node.until(
      () => node.events(actor).some(({ type, sequence }) => type === 'DriftObserved' && sequence > made),
      () => node.story(actor).slice(-2000),
    );
    await node.settles(actor, 'configured');
    expect(await mtu()).toBe(1400);
    await node.settles(
      node.runner.actor({ kind: 'netlinkinterface', namespace: 'default', name: 'br1' }),
      'configured',
    );
    const events = node.events();
    expect(numbersOf(events)).toEqual(Array.from({ length: node.journal.sequence }, (_, i) => i + 1));
    expect(events.filter(({ type, sequence }) => type === 'ResyncRequested' && sequence > made)).toHaveLength(1);
    // The log is the actor.
    const own = events.filter(({ key }) => key.name === 'br0');
    expect(hashOf(own.reduce((snapshot, event) => fold(snapshot, event).snapshot, initial(actor.key)))).toBe(
      hashOf(actor.snapshot),
    );
  });

  test('says what was lost where it ended before there was room', async () => {
    const actor = bridge();
    await node.settles(actor, 'configured');
    const [former, last] = [node.journal.id, node.journal.last()];
    fillDisk();
    const since = Date.now();
    ask(actor, 5000);
    await turn();
    const waiting = node.journal.sequence - node.journal.last();
    expect(waiting).toBeGreaterThanOrEqual(5000);
    node.stop();
    freeDisk();

    node = start();
    expect(node.journal.id).not.toBe(former);
    expect(node.journal.last()).toBe(last);
    node.runner.restore('next');
    bridge();
    const told = (): RecordedEvent[] => node.events().filter(({ type }) => type === 'AgentStarted');
    await node.until(() => told().length > 0);
    const [first] = told();
    expect(first).toMatchObject({
      data: { version: 'next', lost: { events: waiting, since: expect.any(String) as unknown } },
    });
    if (first?.type === 'AgentStarted') expect(Date.parse(first.data.lost?.since ?? '')).toBeGreaterThanOrEqual(since);
    node.stop();

    // It is told once.
    node = start();
    expect(node.journal.lost).toBeNull();
  });
});

describe.skipIf(process.getuid?.() !== 0)('an agent whose disk is full', () => {
  const servers = natsBench();

  test('says so to all, takes nothing on, and carries out the last that was declared when there is room', async () => {
    const { folder } = servers;
    const netns = `ift-${process.pid}-full`;
    execFileSync('ip', ['netns', 'add', netns]);
    servers.cleanup(() => void execFileSync('ip', ['netns', 'del', netns]));
    const stateDir = join(folder, 'state');
    mkdirSync(stateDir);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m,mode=700', 'tmpfs', stateDir]);
    servers.cleanup(() => void execFileSync('umount', [stateDir]));
    const agent = startAgent(
      {
        node: 'n1',
        nats: { servers: servers.nats.url, name: 'agent' },
        stateDir,
        places: { aliases: new Map(), home: `/run/netns/${netns}` },
        version: '0.1.0',
        keepKeysDays: 30,
      },
      systemRuntime(createLog('test', 'error', () => undefined)),
    );
    servers.cleanup(() => agent.stop());
    const connection = await servers.dial();
    const bucket = await ensureStreams(connection);
    const declare = async (name: string, generation: number, spec: object): Promise<void> => {
      const bridge = { node: 'n1', interfaceName: name, type: 'bridge', up: true, ...spec };
      const desired = desiredObject(name, generation, bridge);
      await jetstream(connection).publish(
        formatDesiredSubject({ node: 'n1', kind: 'netlinkinterface', namespace: 'default', name }),
        JSON.stringify(desired),
      );
    };
    const links = (): string =>
      execFileSync('ip', ['-n', netns, '-o', 'link', 'show', 'type', 'bridge'], { encoding: 'utf8' });
    const trouble = async (): Promise<NodeEntry['trouble']> =>
      NodeEntrySchema.parse((await bucket.get('n1'))?.json()).trouble;
    const asked = async (): Promise<void> =>
      void (await connection.request('ifactor.agent.n1.resync', '', { timeout: 5000 }));

    for (let at = 0; at < 10; at++) await declare(`br${at}`, 1, { mtu: 1400 });
    await vi.waitFor(() => expect(links().match(/mtu 1400/g)).toHaveLength(10), 20_000);
    expect(await trouble()).toBeUndefined();
    expect(() => writeFileSync(join(stateDir, 'filler'), Buffer.alloc(64 << 20))).toThrow('ENOSPC');
    for (let i = 0; i < 40; i++) await Promise.all(Array.from({ length: 25 }, asked));
    await vi.waitFor(
      async () =>
        expect(await trouble()).toMatchObject({
          parked: true,
          message: expect.stringContaining('disk is full') as unknown,
        }),
      15_000,
    );

    await declare('br0', 2, { mtu: 1350 });
    await declare('br0', 3, { mtu: 1300 });
    await declare('new', 1, {});
    execFileSync('ip', ['-n', netns, 'link', 'del', 'br1']);
    await asked();
    expect(links()).not.toMatch(/br1:|new:|mtu 1300/);

    rmSync(join(stateDir, 'filler'));
    const wanted = [/br0: .*mtu 1300/, /br1: .*mtu 1400/, /new: /];
    await vi.waitFor(() => expect(wanted.filter((link) => !link.test(links()))).toEqual([]), 20_000);
    await agent.stop();
    const journal = readJournal(stateDir);
    servers.cleanup(() => journal.close());
    const events = [...journal.read()];
    expect(numbersOf(events)).toEqual(Array.from({ length: journal.last() }, (_, i) => i + 1));
    const generations = events.flatMap(({ type, data, key }) =>
      key.name === 'br0' && type === 'SpecChanged' ? [data.generation] : [],
    );
    expect(generations).toEqual([1, 3]);
  });

  test('starts when there is room for a journal, and says that it waits', async () => {
    const { folder } = servers;
    const netns = `ift-${process.pid}-full2`;
    execFileSync('ip', ['netns', 'add', netns]);
    servers.cleanup(() => void execFileSync('ip', ['netns', 'del', netns]));
    const stateDir = join(folder, 'state2');
    mkdirSync(stateDir);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=700', 'tmpfs', stateDir]);
    servers.cleanup(() => void execFileSync('umount', [stateDir]));
    const filler = join(stateDir, 'filler');
    expect(() => writeFileSync(filler, Buffer.alloc(2 << 20))).toThrow('ENOSPC');
    const lines: string[] = [];
    const stop = new AbortController();
    const running = serve(
      {
        node: 'n2',
        nats: { servers: servers.nats.url, name: 'agent' },
        stateDir,
        places: { aliases: new Map(), home: `/run/netns/${netns}` },
        version: '0.1.0',
        keepKeysDays: 30,
      },
      systemRuntime(createLog('test', 'info', (line) => void lines.push(line))),
      stop.signal,
      50,
    );
    servers.cleanup(async () => {
      stop.abort();
      await running;
    });
    const said = (words: RegExp): Promise<void> =>
      vi.waitFor(
        () =>
          expect(
            lines.filter((line) => words.test(line)),
            lines.join('\n'),
          ).toHaveLength(1),
        20_000,
      );
    await said(/The agent starts when there is room/);
    rmSync(filler);
    await said(/ ready\b/);
    await said(/The agent starts when there is room/);
  });
});
