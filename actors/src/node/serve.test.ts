import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { createLog } from '@ifactor/common';
import { formatDesiredSubject } from '@ifactor/crds';
import type { Desired } from '@ifactor/crds';
import { ensureStreams, streams } from '@ifactor/common/nats';
import { jetstream } from '@nats-io/jetstream';
import { describe, expect, test, vi } from 'vitest';
import { natsBench } from '../testing/bench.ts';
import { readEvents } from '../testing/stream.ts';
import { natsServerPath } from '@ifactor/common/testing';
import { serve } from './serve.ts';
import { systemRuntime } from '../runtime.ts';

vi.setConfig({ testTimeout: 60_000 });
const node = 'n1';
let count = 0;

const desired: Desired = {
  apiVersion: 'networking.dn42.io/v1alpha1',
  kind: 'NetlinkInterface',
  namespace: 'default',
  name: 'br0',
  uid: 'u1',
  generation: 1,
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
  spec: { node, interfaceName: 'br0', type: 'bridge', up: true },
  secrets: [],
  missing: [],
};

// Network namespaces need root.
describe.skipIf(process.getuid?.() !== 0)('two agents of one node, on two machines', () => {
  const bench = natsBench();

  /** An agent on a machine of its own: a netns, a state folder, a log. @param clone of this state folder */
  function machine(servers = bench.nats.url, clone?: string) {
    const netns = `ift-${process.pid}-serve${count++}`;
    execFileSync('ip', ['netns', 'add', netns]);
    bench.cleanup(() => void execFileSync('ip', ['netns', 'del', netns]));
    const lines: string[] = [];
    const stateDir = join(bench.folder, netns);
    if (clone !== undefined) cpSync(clone, stateDir, { recursive: true });
    const stop = new AbortController();
    const running = serve(
      {
        node,
        nats: { servers, name: netns },
        stateDir,
        places: { aliases: new Map(), home: `/run/netns/${netns}` },
        version: '0.1.0',
        keepKeysDays: 30,
      },
      systemRuntime(createLog(netns, 'info', (line) => void lines.push(line))),
      stop.signal,
      100,
    );
    const end = async (): Promise<void> => {
      stop.abort();
      await running;
    };
    bench.cleanup(end);
    const said = async (words: string): Promise<void> => {
      await vi.waitFor(
        () =>
          expect(
            lines.some((line) => line.includes(words)),
            lines.join('\n'),
          ).toBe(true),
        { timeout: 30_000, interval: 20 },
      );
    };
    const links = (): string => execFileSync('ip', ['-n', netns, '-o', 'link'], { encoding: 'utf8' });
    return { end, said, links, stateDir };
  }

  test('are one at a time: the second says who is there, touches nothing, and takes over when the first has gone', async () => {
    const connection = await bench.dial();
    await ensureStreams(connection);
    const first = machine();
    await first.said('ready');
    const second = machine();
    await second.said(`another agent serves node ${node} from host`);
    await jetstream(connection).publish(
      formatDesiredSubject({ node, kind: 'netlinkinterface', namespace: 'default', name: 'br0' }),
      JSON.stringify(desired),
    );
    await vi.waitFor(() => expect(first.links()).toContain('br0'), { timeout: 30_000, interval: 20 });
    expect(second.links()).not.toContain('br0');
    await first.end();
    await second.said('the other agent of node n1 is gone; taking over');
    await vi.waitFor(() => expect(second.links()).toContain('br0'), { timeout: 30_000, interval: 20 });
  });

  test('of which one is a clone of the other: it stands aside and says so, and later tells what its journal lacks', async () => {
    const connection = await bench.dial();
    await ensureStreams(connection);
    const declare = (generation: number): Promise<unknown> =>
      jetstream(connection).publish(
        formatDesiredSubject({ node, kind: 'netlinkinterface', namespace: 'default', name: 'br0' }),
        JSON.stringify({
          ...desired,
          generation,
          resourceVersion: `${generation}`,
          spec: { ...desired.spec, mtu: 1400 + generation },
        }),
      );
    const told = async (): Promise<string[]> => (await readEvents(connection, streams.events)).map(({ type }) => type);
    const first = machine();
    await first.said('ready');
    await declare(1);
    await vi.waitFor(() => expect(first.links()).toContain('mtu 1401'), { timeout: 30_000, interval: 20 });
    const clone = machine(bench.nats.url, first.stateDir);
    await clone.said('with a copy of this state folder');
    await declare(2);
    await vi.waitFor(() => expect(first.links()).toContain('mtu 1402'), { timeout: 30_000, interval: 20 });
    expect(await told()).not.toContain('JournalWentBack');
    await first.end();
    await clone.said('taking over');
    await vi.waitFor(async () => expect(await told()).toContain('JournalWentBack'), { timeout: 30_000, interval: 50 });
    const ids = (await readEvents(connection, streams.events)).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('one that reaches a NATS which cannot serve it yet goes on asking, and does not end', async () => {
    const start = async (port: number, ...flags: string[]): Promise<{ port: number; kill: () => Promise<void> }> => {
      const server = spawn(natsServerPath(), ['-a', '127.0.0.1', '-p', String(port), ...flags], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const exit = once(server, 'exit');
      const kill = async (): Promise<void> => {
        server.kill('SIGKILL');
        await exit;
      };
      bench.cleanup(kill);
      let said = '';
      for await (const chunk of server.stderr) {
        said += String(chunk);
        const [, found] = /Listening for client connections on 127\.0\.0\.1:(\d+)/.exec(said) ?? [];
        if (found !== undefined && said.includes('Server is ready')) return { port: Number(found), kill };
      }
      throw new Error(said);
    };
    // As a server that has only just come up, without what agents need.
    const bare = await start(-1);
    const agent = machine(`nats://127.0.0.1:${bare.port}`);
    await agent.said('NATS services failed to start; retrying in');
    await bare.kill();
    await start(bare.port, '-js', '-sd', join(bench.folder, 'later'));
    await expect(agent.said('ready')).resolves.toBeUndefined();
  });
});
