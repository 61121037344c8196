import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeResolver, temporaryFolder, Watch } from '../testing/containers/harness.ts';

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
