import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { labPrefix } from '../lane/interrupt.ts';
import { ifactor, Lab, succeeded } from './lab.ts';
import { traces } from './trace.ts';

describe('bad input is one clear line', () => {
  test.each([
    [['lab', 'up', '--node', 'Not_A_Name'], /--node Not_A_Name/],
    [['lab', 'up', '--node', 'a=1.2.3.4'], /ADDRESS\/LEN/],
    [['lab', 'up', '--node', 'a', '--node', 'a'], /given twice/],
    [['lab', 'up', '--runtime', 'vm'], /docker, netns, auto/],
    [['lab', 'up', '--kubeconfig', '/nonexistent/file'], /no API server answers/],
    [['lab', 'upp'], /no command upp/],
    [['lab', 'env', '--dir', '/nonexistent/lab'], /no lab in \/nonexistent\/lab/],
    [['lab', 'restart', 'bridge', '--dir', '/nonexistent/lab'], /no lab in/],
  ])('%j', async (args, said) => {
    const { code, stdout, stderr } = await ifactor(...args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(said);
    expect(stderr).not.toMatch(/\n {4}at /);
  });

  test('a folder that holds something else is left alone', async () => {
    const dir = await mkdtemp(labPrefix());
    onTestFinished(() => rm(dir, { recursive: true }));
    await writeFile(join(dir, 'letter.txt'), 'dear');
    const { code, stderr } = await ifactor('lab', 'up', '--runtime', 'netns', '--dir', dir);
    expect(code).toBe(2);
    expect(stderr).toContain('is not empty (letter.txt)');
  });
});

test('every command tells how it is used, with examples', async () => {
  const commands = ['up', 'down', 'status', 'env', 'exec', 'restart', 'kill', 'demo', 'doctor'];
  for (const command of commands)
    expect(succeeded(await ifactor('lab', command, '--help'))).toContain(`ifactor lab ${command}`);
});

test('two labs live side by side, and taking one down leaves the other', async () => {
  const first = await Lab.start('netns');
  onTestFinished(() => first.end());
  const second = await Lab.start('netns');
  onTestFinished(() => second.end());
  expect(first.env['KUBECONFIG']).not.toBe(second.env['KUBECONFIG']);
  await first.apply('veth.yaml');
  await first.ready('nl/veth1');
  expect(await second.kubectl(['get', 'nl', '--output', 'name'])).toBe('');
  expect((await second.links(second.containers[0])).map(({ ifname }) => ifname)).toEqual(['lo']);

  succeeded(await second.command('down'));
  expect(await traces(second)).toEqual([]);
  succeeded(await first.command('status'));
  await first.link(first.containers[0], 'veth1-a');
});

test('exec gives the exit code of the command, and names what there is where the name is wrong', async () => {
  const lab = await Lab.start('netns');
  onTestFinished(() => lab.end());
  expect((await lab.exec('lax1', 'sh', '-c', 'exit 7')).code).toBe(7);
  const { code, stderr } = await lab.exec('lax9', 'true');
  expect(code).toBe(2);
  expect(stderr).toContain('choose one of lax1, lax2');
  const again = await ifactor('lab', 'up', ...lab.flags);
  expect(again.code).toBe(2);
  expect(again.stderr).toContain('a lab already runs');
});
