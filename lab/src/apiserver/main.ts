#!/usr/bin/env node
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { createLog, explain, run, stopSignal, systemClock, UsageError } from '@ifactor/common';
import { certificateIn } from './http/certificate.ts';
import { kubeconfigText, ownDefinitions, startApiServer } from './index.ts';

type Flags = { dir: string; port: string; kubeconfig?: string };

/** The token of a folder's server: made once, so that kubeconfigs stay good over restarts. */
function tokenIn(dir: string): string {
  const path = join(dir, 'token');
  if (!existsSync(path)) {
    writeFileSync(`${path}.new`, randomBytes(24).toString('base64url'), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
  return readFileSync(path, 'utf8').trim();
}

await run('ifactor-apiserver', async () => {
  const program = new Command('ifactor-apiserver')
    .description('A small Kubernetes API server for the lab: loopback only, the kinds of ifactor and what they need.')
    .requiredOption('--dir <folder>', 'where objects and the token are kept')
    .option('--port <port>', 'port on 127.0.0.1; 0: any free one', '0')
    .option('--kubeconfig <file>', 'written when the server is ready');
  const { dir, port, kubeconfig } = program.parse().opts<Flags>();
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65535) throw new UsageError(`--port ${port}: not a port number`);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const log = createLog('apiserver');
  const server = await startApiServer({
    definitions: ownDefinitions(),
    token: tokenIn(dir),
    certificate: await certificateIn(dir, systemClock),
    port: Number(port),
    dataDir: dir,
    report: (error) => log.error('internal error', { error: explain(error) }),
  });
  if (kubeconfig !== undefined) {
    writeFileSync(`${kubeconfig}.new`, kubeconfigText(server), { mode: 0o600 });
    renameSync(`${kubeconfig}.new`, kubeconfig);
  }
  log.info('serving', { url: server.url });
  log.info('ready');
  await stopSignal();
  await server.close();
  process.exit(0);
});
