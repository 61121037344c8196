import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ifactor, Lab, spawnIfactor, succeeded } from './lab.ts';
import { runtimes } from './runtime.ts';
import { traces } from './trace.ts';

/** Steps as `lab up` tells them; the lab is killed as soon as it has told one. `nothing`: before the first. */
const moments = ['nothing', 'nats-server', 'nodes', 'containers', 'API server', 'agent of', 'The lab is up'];

describe.each(runtimes())('a lab with containers of %s', (runtime) => {
  test.each(moments)('killed after: %s, leaves nothing once it was taken down', async (moment) => {
    const lab = await Lab.make(runtime);
    onTestFinished(() => lab.end());
    const child = spawnIfactor('lab', 'up', ...lab.flags);
    const killed = once(child, 'exit');
    if (moment === 'nothing') setTimeout(() => child.kill('SIGKILL'), 900);
    else if (child.stderr) {
      // API servers of other makes tell their own name.
      const wanted = moment === 'API server' ? /API server|apiserver/ : new RegExp(moment);
      createInterface(child.stderr).on('line', (line) => {
        if (wanted.test(line)) child.kill('SIGKILL');
      });
    }
    await killed;
    expect(child.signalCode).toBe('SIGKILL');

    succeeded(await lab.command('down'));
    expect(await traces(lab)).toEqual([]);
  });

  test('stopped by Ctrl-C, takes itself down', async () => {
    const lab = await Lab.make(runtime);
    onTestFinished(() => lab.end());
    const child = spawnIfactor('lab', 'up', ...lab.flags);
    const ended = once(child, 'exit');
    if (child.stderr) {
      createInterface(child.stderr).on('line', (line) => {
        if (line.includes('Ctrl-C')) child.kill('SIGINT');
      });
    }
    await ended;
    expect(child.exitCode).toBe(0);
    expect(await traces(lab)).toEqual([]);
  });

  test('takes down what a killed one left, when started again in its folder', async () => {
    const lab = await Lab.make(runtime);
    onTestFinished(() => lab.end());
    const child = spawnIfactor('lab', 'up', ...lab.flags);
    const killed = once(child, 'exit');
    if (child.stderr) {
      createInterface(child.stderr).on('line', (line) => {
        if (/nodes|containers/.test(line)) child.kill('SIGKILL');
      });
    }
    await killed;
    succeeded(await ifactor('lab', 'up', '--detach', ...lab.flags));
    expect((await lab.command('status')).code).toBe(0);
  });
});
