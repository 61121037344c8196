import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { Docker, noDocker, sharedSocket } from '../../testing/containers/docker.ts';
import { makeResolver } from '../../testing/containers/harness.ts';
import { openMachine } from '../../testing/machine.ts';
import { TestNode } from '../../testing/node.ts';
import type { Actor } from './actor.ts';
import { describeVerdict } from '../../interface/words/verdict.ts';

/* Interfaces in a container of a real engine, whatever becomes of it. */

// Network namespaces need root.
describe.skipIf(process.getuid?.() !== 0 || noDocker() !== undefined)('in a Docker container', () => {
  const docker = new Docker(sharedSocket);
  let name: string;
  let node: TestNode;
  let actors: Actor[];

  beforeAll(() => docker.import());
  afterAll(() => docker.drop('rmi', docker.image));
  beforeEach(async () => {
    const bench = await openMachine();
    const home = await bench.addNetns();
    name = await docker.start();
    node = new TestNode({
      kernel: bench.kernel,
      path: () => home,
      follow: makeResolver({ kernel: bench.kernel, home, docker: sharedSocket }),
    });
    onTestFinished(async () => {
      node.dispose();
      await bench.close();
    });
    node.secret('default', 'wg0', 'privateKey', Buffer.alloc(32, 1));
    const container = { docker: { name } };
    actors = [
      node.apply('NetlinkInterface', 'br0', {
        interfaceName: 'br0',
        type: 'bridge',
        up: true,
        addresses: [{ ipcidr: '10.0.0.1/24' }],
        container,
      }),
      node.apply('WireGuardInterface', 'wg0', {
        interfaceName: 'wg0',
        moveToContainer: true,
        container,
        listenPort: 51872,
        privateKeySecretRef: { name: 's', key: 'k' },
        addresses: [],
      }),
    ];
    await all('moved-to-netns');
  });

  const all = async (state: Actor['snapshot']['value']): Promise<void> => {
    for (const actor of actors) await node.settles(actor, state);
  };
  const links = async (): Promise<string[]> => {
    const shown = execFileSync('nsenter', ['--net', '-t', await docker.pid(name), 'ip', '-j', 'link'], {
      encoding: 'utf8',
    });
    return (JSON.parse(shown) as { ifname: string }[]).map(({ ifname }) => ifname).toSorted();
  };
  /** Whether each of them was made since that event. */
  const made = (since: number): boolean =>
    actors.every((actor) =>
      node.events(actor).some(({ sequence, type }) => sequence > since && type === 'LinkCreated'),
    );

  test('that restarts, they are back within a second of its start', async () => {
    const delays: number[] = [];
    for (let round = 0; round < 3; round++) {
      const from = node.journal.sequence;
      const since = (Date.now() / 1000).toFixed(3);
      const restarted = docker.cli('restart', '-t', '0', name);
      await node.until(
        () => made(from),
        () => node.story(),
      );
      await all('moved-to-netns');
      const back = Date.now();
      await restarted;
      const until = (Date.now() / 1000 + 1).toFixed(3);
      const started = await docker.cli(
        'events',
        '--since',
        since,
        '--until',
        until,
        '--filter',
        `container=${name}`,
        '--filter',
        'event=start',
        '--format',
        '{{.TimeNano}}',
      );
      delays.push(back - Number(started) / 1e6);
      expect(await links()).toEqual(['br0', 'lo', 'wg0']);
    }
    console.log(`back after the start of their container: ${delays.map((delay) => delay.toFixed(0)).join(', ')} ms`);
  });

  test('that stops, they wait for it, and say how it is started', async () => {
    await docker.cli('kill', name);
    await all('pending');
    for (const { snapshot } of actors)
      expect(describeVerdict(snapshot.context)).toMatchObject({
        reason: 'ContainerGone',
        message: expect.stringContaining(`docker start ${name}`),
      });
    await docker.cli('start', name);
    await all('moved-to-netns');
    expect(await links()).toEqual(['br0', 'lo', 'wg0']);
  });

  test.each(['before', 'while'])(
    'that is removed %s they are being deleted, they are gone, too, and nothing is tried in vain',
    async (when) => {
      const removed = docker.cli('rm', '-f', name);
      if (when === 'before') {
        await removed;
        await all('pending');
      }
      node.delete('NetlinkInterface', 'br0');
      node.delete('WireGuardInterface', 'wg0');
      await all('deleted');
      await removed;
      expect(node.events().filter(({ state }) => state === 'failed')).toEqual([]);
    },
  );
});
