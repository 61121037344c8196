import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { streams } from '@ifactor/common/nats';
import { startNats } from '@ifactor/common/testing';
import { DiscardPolicy, jetstreamManager } from '@nats-io/jetstream';
import { expect, test } from 'vitest';

const main = join(import.meta.dirname, '../main.ts');
const ifactor = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });

test('nats raise bounds the streams of an installation that has none, and can be said again', async () => {
  await using nats = await startNats();
  const manager = await jetstreamManager(await nats.connect());
  await manager.streams.add({ name: streams.events, subjects: ['ifactor.event.>'], discard: DiscardPolicy.Old });
  for (let time = 0; time < 2; time++) {
    const { status, stdout, stderr } = ifactor('nats', 'raise', '--nats', nats.url);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('IFACTOR_EVENTS   replicas 1, at most 2048 MiB');
    expect(stdout).toContain('IFACTOR_DESIRED  replicas 1, at most 512 MiB');
    expect(stdout).toContain('KV_ifactor_nodes replicas 1, at most 64 MiB');
    expect(stdout).toContain('KV_ifactor_known_nodes replicas 1, at most 16 MiB');
    expect(stdout).toContain('all copies are complete');
  }
  expect((await manager.streams.info(streams.events)).config.max_bytes).toBe(2 ** 31);
});

test('nats raise says what a server cannot do, and refuses two copies', async () => {
  await using nats = await startNats();
  const three = ifactor('nats', 'raise', '--nats', nats.url, '--replicas', '3');
  expect(three.status).not.toBe(0);
  expect(three.stderr).toContain('replicas');
  expect(three.stderr.trim().split('\n')).toHaveLength(1);
  const two = ifactor('nats', 'raise', '--nats', nats.url, '--replicas', '2');
  expect(two.status).toBe(2);
  expect(two.stderr).toContain('give 1, 3 or 5');
});

test('nats permissions prints what a server and a JWT take, and refuses what is no role', () => {
  const config = ifactor('nats', 'permissions', 'node', 'fra1.example');
  expect(config.stdout).toMatch(/^permissions: \{\n {2}publish: \{ allow: \[\n {4}"ifactor\.event\.fra1_example\.>"/);
  expect(config.stdout).toContain('allow_responses: true');
  const jwt = ifactor('nats', 'permissions', 'page', '--format', 'jwt');
  expect(JSON.parse(jwt.stdout)).toMatchObject({ sub: { allow: ['_INBOX.role.page.>'] } });
  for (const args of [['nobody'], ['node'], ['node', 'A B'], ['bridge', 'lax1']]) {
    const { status, stderr } = ifactor('nats', 'permissions', ...args);
    expect([status, stderr.trim().split('\n')]).toEqual([2, [expect.stringMatching(/^ifactor: /)]]);
  }
});
