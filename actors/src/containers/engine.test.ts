import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { canNetns, makeResolver, temporaryFolder, Watch } from '../testing/containers/harness.ts';

/** A container engine on a socket of its own. */
async function engine(answer: RequestListener): Promise<Watch> {
  const socket = join(temporaryFolder(), 'engine.sock');
  const server = createServer(answer).listen(socket);
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return new Watch(makeResolver({ docker: socket }), { docker: { name: 'absent' } });
}

test('an engine that takes connections and answers none is told, from a container that does not exist', async () => {
  const frozen = await engine(() => {});
  const working = await engine((request, response) => {
    if (request.url?.startsWith('/events')) response.writeHead(200).flushHeaders();
    else response.writeHead(404).end('{"message":"No such container: absent"}');
  });
  expect(await working.lost('ContainerNotFound')).toContain('docker container absent does not exist');
  expect(await frozen.lost('EngineUnreachable')).toContain('no answer within 5 s');
  // The silence of a working engine is no failure.
  expect(working.told).toHaveLength(1);
}, 30_000);

test.skipIf(!canNetns())(
  'a process that an engine says it runs, and that is in no control group of the container, is not followed',
  async () => {
    // In a netns of its own it would be followed, but for its control group.
    const stranger = spawn('unshare', ['--net', 'sleep', '60'], { stdio: 'ignore' });
    onTestFinished(() => void stranger.kill('SIGKILL'));
    await once(stranger, 'spawn');
    const pid = stranger.pid!;
    const id = 'c'.repeat(64);
    const watch = await engine((request, response) => {
      if (request.url?.startsWith('/events')) {
        response.writeHead(200).flushHeaders();
        return;
      }
      const State = { Running: true, Pid: pid, StartedAt: '2026-01-01T00:00:00Z' };
      response.writeHead(200).end(JSON.stringify({ Id: id, Name: '/absent', State }));
    });
    expect(await watch.lost('ProcessNotInContainer')).toContain(
      `process ${pid} is in no control group of docker container`,
    );
    expect(watch.told.some((place) => 'netns' in place)).toBe(false);
  },
  60_000,
);
