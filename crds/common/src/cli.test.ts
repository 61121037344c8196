import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';

const program = `
  import { stopSignal } from ${JSON.stringify(join(import.meta.dirname, 'cli.ts'))};
  setInterval(() => {}, 1000);
  const stop = stopSignal();
  console.log('up');
  console.log('stopped by', await stop);
  process.exit();`;

/** A program that waits for `stopSignal`, started through a shell as npm does it: the shell, and the program's output. */
async function started(environment: NodeJS.ProcessEnv) {
  const { npm_lifecycle_event: _, ...env } = process.env;
  const child = spawn('sh', ['-c', '"$0" --input-type=module --eval "$1"; true', process.execPath, program], {
    env: { ...env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  onTestFinished(() => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // All of it has ended.
    }
  });
  const said = text(child.stdout);
  await once(child.stdout, 'data');
  return { child, said };
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s asks a program to stop', async (signal) => {
  const { child, said } = await started({});
  if (child.pid !== undefined) process.kill(-child.pid, signal);
  expect(await said).toBe(`up\nstopped by ${signal}\n`);
});

test('a program that npm started stops when the shell between them has ended', async () => {
  const { child, said } = await started({ npm_lifecycle_event: 'npx' });
  child.kill('SIGKILL');
  expect(await said).toBe('up\nstopped by SIGTERM\n');
});

test('a program that something else started goes on', async () => {
  const { child, said } = await started({});
  const closed = once(child, 'exit');
  child.kill('SIGKILL');
  await closed;
  const first = await Promise.race([said, new Promise((resolve) => setTimeout(resolve, 1500, 'goes on'))]);
  expect(first).toBe('goes on');
});
