import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { isAlive } from '@ifactor/common/proc';
import { endAll, marked, running, start, stop } from './program.ts';
import { pathsOf } from '../cluster/paths.ts';

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'ift-program-'));
  onTestFinished(async () => {
    await endAll(dir);
    await rm(dir, { recursive: true });
  });
  return dir;
}

const shell = (script: string) => ({ part: 'agent/x', command: 'sh', args: ['-c', script] });

test('a process is started once it says that it is ready, and is found again by what was written down', async () => {
  const dir = await folder();
  await start(dir, shell('echo "2026 info agent/x waiting"; echo "2026 info agent/x ready node=x"; exec sleep 60'));
  const who = running(dir, 'agent/x');
  expect(who && isAlive(who)).toBe(true);
  expect(await stop(dir, 'agent/x')).toBe(true);
  expect(who && isAlive(who)).toBe(false);
  expect(await stop(dir, 'agent/x')).toBe(false);
});

test('a line of an earlier run does not count as ready', async () => {
  const dir = await folder();
  await start(dir, shell('echo "info x ready"; exec sleep 60'));
  await stop(dir, 'agent/x', 'SIGKILL');
  await expect(start(dir, shell('echo "not ready yet"; exit 4'))).rejects.toThrow(
    /ended \(code 4\)[\s\S]*not ready yet/,
  );
});

test('a program that is not there is named', async () => {
  await expect(start(await folder(), { part: 'nats', command: '/nonexistent/nats', args: [] })).rejects.toThrow(
    /nats could not be started/,
  );
});

test('an abort ends the waiting; the process is found by its mark', async () => {
  const dir = await folder();
  const abort = new AbortController();
  const started = start(dir, shell('echo begun; exec sleep 60'), abort.signal);
  abort.abort(new Error('enough'));
  await expect(started).rejects.toThrow('enough');
  expect(marked(dir)).toHaveLength(1);
  expect(await endAll(dir)).toBe(1);
  expect(marked(dir)).toEqual([]);
});

test('a process that ignores SIGTERM is killed', async () => {
  const dir = await folder();
  await start(dir, shell('trap "" TERM; echo "info x ready"; while :; do sleep 1; done'));
  const who = running(dir, 'agent/x');
  expect(await endAll(dir)).toBeGreaterThanOrEqual(1);
  expect(who && isAlive(who)).toBe(false);
}, 15_000);

test('no credential of the caller reaches a process', async () => {
  const dir = await folder();
  process.env['AWS_SECRET_ACCESS_KEY'] = 'mine';
  onTestFinished(() => {
    delete process.env['AWS_SECRET_ACCESS_KEY'];
  });
  await start(dir, { ...shell('env; echo "info x ready"; exec sleep 60'), env: { NATS_USER: 'ifactor' } });
  const log = await readFile(pathsOf(dir).log('agent/x'), 'utf8');
  expect(log).toContain('NATS_USER=ifactor');
  expect(log).not.toContain('AWS_SECRET');
});
