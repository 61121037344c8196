import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Docker, noDocker, OwnEngine, sharedSocket } from '../testing/containers/docker.ts';
import type { NetnsResolver } from './resolver.ts';
import { makeResolver, netnsId, temporaryFolder, unique, Watch } from '../testing/containers/harness.ts';

const missing = noDocker();
const places = (): NetnsResolver => makeResolver({ docker: sharedSocket });

describe.skipIf(missing !== undefined)(
  `containers of Docker${missing ? ` (skipped: ${missing})` : ''}`,
  { timeout: 180_000 },
  () => {
    const docker = new Docker(sharedSocket);

    beforeAll(() => docker.import(), 60_000);
    afterAll(() => docker.drop('rmi', '-f', docker.image), 60_000);

    test('there already: its netns', async () => {
      const name = await docker.start();
      const netns = await new Watch(places(), { docker: { name } }).netns();
      expect(netns.id).toBe(await netnsId(`/proc/${await docker.pid(name)}/ns/net`));
    });

    test('by id, and by alias', async () => {
      const name = await docker.start();
      const id = await docker.cli('inspect', '-f', '{{.Id}}', name);
      const both = makeResolver({ docker: sharedSocket, aliases: new Map([['agent1', `docker:${name}`]]) });
      const [byId, byAlias] = [
        new Watch(both, { docker: { name: id.slice(0, 12) } }),
        new Watch(both, { docker: { name: 'agent1' } }),
      ];
      const netns = await byId.netns();
      expect(await byAlias.netns()).toBe(netns);
      await docker.cli('kill', name);
      await byId.lost('ContainerGone');
      await byAlias.lost('ContainerGone');
    });

    test('comes later, stops, starts, is removed, and is made again', async () => {
      const name = unique();
      const watch = new Watch(places(), { docker: { name } });
      expect(await watch.lost('ContainerNotFound')).toContain(`docker container ${name} does not exist`);
      await docker.start(name);
      const first = await watch.netns();

      await docker.cli('stop', name);
      expect(await watch.lost('ContainerGone')).toContain(`docker start ${name}`);
      await expect(first.resync()).rejects.toThrow(/closed/);

      await docker.cli('start', name);
      const second = await watch.netns(first);
      expect(second.id).toBe(await netnsId(`/proc/${await docker.pid(name)}/ns/net`));

      await docker.cli('rm', '-f', name);
      expect(await watch.lost('ContainerGone')).toContain('was removed');
      await docker.start(name);
      await watch.netns(second);
    });

    test('created but not started', async () => {
      const name = unique();
      await docker.start(name);
      await docker.cli('kill', name);
      const watch = new Watch(places(), { docker: { name } });
      expect(await watch.lost('ContainerNotRunning')).toBe(
        `docker container ${name} is not running: docker start ${name}`,
      );
    });

    test('a restart leads to the new netns, soon after the engine says "start"', async () => {
      const name = await docker.start();
      const watch = new Watch(places(), { docker: { name } });
      let before = await watch.netns();
      const delays: number[] = [];
      for (let round = 0; round < 3; round++) {
        const since = (Date.now() / 1000).toFixed(3);
        const restarted = docker.cli('restart', '-t', '0', name);
        const after = await watch.netns(before);
        const told = Date.now();
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
        delays.push(told - Number(started) / 1e6);
        expect(after.id).toBe(await netnsId(`/proc/${await docker.pid(name)}/ns/net`));
        before = after;
      }
      console.log(`told after the start of the container: ${delays.map((delay) => delay.toFixed(0)).join(', ')} ms`);
    });

    test('renamed away it is lost under the old name, and found under the new', async () => {
      const [name, renamed] = [await docker.start(), unique()];
      const all = places();
      const [old, fresh] = [new Watch(all, { docker: { name } }), new Watch(all, { docker: { name: renamed } })];
      const netns = await old.netns();
      await fresh.lost('ContainerNotFound');
      await docker.cli('rename', name, renamed);
      await old.lost('ContainerGone');
      expect((await fresh.netns()).id).toBe(netns.id);
      await docker.cli('rename', renamed, name);
      await old.netns();
    });

    test('in the network of the host: the home netns', async () => {
      const name = unique();
      const all = places();
      await docker.cli('run', '-d', '--rm', '--network', 'host', '--name', name, docker.image, 'sleep', '600');
      try {
        const home = await new Watch(all, null).netns();
        expect(await new Watch(all, { docker: { name } }).netns()).toBe(home);
      } finally {
        await docker.cli('rm', '-f', name);
      }
    });

    test('no engine: says so, and is there when one comes; a killed engine costs a living container nothing', async () => {
      const engine = new OwnEngine();
      const name = unique();
      const watch = new Watch(makeResolver({ docker: `unix://${engine.docker.socket}` }), { docker: { name } });
      expect(await watch.lost('EngineUnreachable')).toContain(engine.docker.socket);

      await engine.start();
      await watch.lost('ContainerNotFound');
      await engine.docker.import();
      await engine.docker.start(name);
      const first = await watch.netns();
      const pid = Number(await engine.docker.pid(name));

      await engine.kill();
      await new Promise((resolve) => {
        setTimeout(resolve, 1000);
      });
      expect(watch.told.at(-1)).toMatchObject({ netns: { id: first.id } });
      process.kill(pid, 'SIGKILL');
      await watch.lost('EngineUnreachable');

      await engine.start();
      await watch.lost('ContainerGone');
      await engine.docker.cli('start', name);
      await watch.netns(first);
    });

    test('a socket that nobody answers on', async () => {
      const watch = new Watch(makeResolver({ podman: join(temporaryFolder(), 'podman.sock') }), {
        podman: { name: 'x' },
      });
      expect(await watch.lost('EngineUnreachable')).toContain('--podman');
    });
  },
);
