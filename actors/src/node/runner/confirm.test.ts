import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { formatDesiredSubject, formatStatusSubject, StatusMessageSchema } from '@ifactor/crds';
import type { Condition, Desired } from '@ifactor/crds';
import { ensureStreams, streams } from '@ifactor/common/nats';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { natsBench } from '../../testing/bench.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });
const place = { node: 'n1', kind: 'netlinkinterface', namespace: 'default', name: 'uplink' };
const timeoutSeconds = 2;

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });
const kill = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
};

// Network namespaces need root.
describe.skipIf(process.getuid?.() !== 0)('an agent that reaches NATS only by an interface of its own', () => {
  const bench = natsBench();
  const [near, far] = ['node', 'nats'].map((name) => `ift-${process.pid}-${name}`) as [string, string];
  let generation = 0;

  const run = (netns: string, script: string, ...args: string[]): ChildProcess => {
    const program = new URL(script, import.meta.url).pathname;
    const child = spawn('ip', ['netns', 'exec', netns, process.execPath, program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    bench.cleanup(() => kill(child));
    return child;
  };
  const startAgent = (): ChildProcess =>
    run(
      near,
      '../../main.ts',
      '--node',
      place.node,
      '--nats',
      'nats://10.77.0.1:4222',
      '--state-dir',
      join(bench.folder, 'state'),
    );

  /** Asks for the uplink with an address of the node's choice. */
  const apply = async (local: string, more: object = {}): Promise<void> => {
    generation++;
    const desired: Desired = {
      apiVersion: 'networking.dn42.io/v1alpha1',
      kind: 'NetlinkInterface',
      namespace: 'default',
      name: 'uplink',
      uid: 'u1',
      generation,
      resourceVersion: String(generation),
      creationTimestamp: '2026-01-01T00:00:00Z',
      secrets: [],
      missing: [],
      spec: {
        node: place.node,
        interfaceName: 'eth0',
        type: 'veth',
        up: true,
        addresses: [{ ipcidr: local }],
        veth: {
          peer: { interfaceName: 'up0', container: { netns: { name: far } }, addresses: [{ ipcidr: '10.77.0.1/24' }] },
        },
        ...more,
      },
    };
    await jetstream(await bench.dial()).publish(formatDesiredSubject(place), JSON.stringify(desired));
  };
  const has = (local: string): Promise<void> =>
    vi.waitFor(() => expect(ip('-n', near, '-o', 'addr', 'show', 'eth0')).toContain(` ${local} `), {
      timeout: 40_000,
      interval: 50,
    });
  const ready = async (): Promise<Condition | undefined> => {
    const manager = await jetstreamManager(await bench.dial());
    const message = await manager.streams.getMessage(streams.status, { last_by_subj: formatStatusSubject(place) });
    return StatusMessageSchema.safeParse(message?.json()).data?.status.conditions?.[0];
  };
  const says = (condition: Partial<Condition>): Promise<void> =>
    vi.waitFor(async () => expect(await ready()).toMatchObject(condition), { timeout: 40_000, interval: 200 });

  beforeEach(async () => {
    bench.cleanup(() => {
      for (const netns of [near, far]) ip('netns', 'del', netns);
    });
    for (const netns of [near, far]) ip('netns', 'add', netns);
    ip('-n', near, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'up0', 'netns', far);
    ip('-n', near, 'addr', 'add', '10.77.0.2/24', 'dev', 'eth0');
    ip('-n', far, 'addr', 'add', '10.77.0.1/24', 'dev', 'up0');
    for (const [netns, link] of [
      [near, 'eth0'],
      [far, 'up0'],
    ] as const)
      ip('-n', netns, 'link', 'set', link, 'up');
    // The server is on loopback; from the netns it is reached by a unix socket, which no netns bounds.
    const socket = join(bench.folder, 'relay.sock');
    const server = createServer((client) => {
      const upstream = connect(bench.nats.port, '127.0.0.1');
      for (const side of [client, upstream])
        side.on('error', () => undefined).on('close', () => [client, upstream].forEach((each) => each.destroy()));
      client.pipe(upstream).pipe(client);
    });
    await new Promise<void>((resolve) => void server.listen(socket, resolve));
    bench.cleanup(() => void server.close());
    await once(run(far, '../../testing/relay.ts', '10.77.0.1', '4222', socket).stdout!, 'data');
    await ensureStreams(await bench.dial());
  });

  test('takes back a change by which it lost NATS, also one that it did not survive itself', async () => {
    const agent = startAgent();
    await apply('10.77.0.2/24');
    await says({ status: 'True', observedGeneration: 1 });

    await apply('10.78.0.2/24', { confirm: { timeoutSeconds } });
    await has('10.78.0.2/24');
    await has('10.77.0.2/24');
    const lost = `made the node lose NATS for ${timeoutSeconds} s; rolled back to generation 1`;
    await says({
      status: 'False',
      reason: 'RolledBack',
      observedGeneration: 2,
      message: expect.stringContaining(`generation 2 ${lost}`) as string,
    });

    await apply('10.79.0.2/24', { confirm: { timeoutSeconds } });
    await has('10.79.0.2/24');
    await kill(agent);
    startAgent();
    await has('10.77.0.2/24');
    await says({
      status: 'False',
      reason: 'RolledBack',
      observedGeneration: 3,
      message: expect.stringContaining(`generation 3 ${lost}`) as string,
    });

    // Time enough for a busy machine: the connection came from an address that is gone.
    await apply('10.77.0.3/24', { confirm: { timeoutSeconds: 8 } });
    await says({ status: 'True', observedGeneration: 4 });
    await has('10.77.0.3/24');
  });
});
