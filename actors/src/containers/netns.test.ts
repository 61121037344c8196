import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerSelector } from '@ifactor/crds';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  addNetns,
  canNetns,
  deleteNetns,
  makeResolver,
  netnsId,
  run,
  temporaryFolder,
  unique,
  Watch,
} from '../testing/containers/harness.ts';
import { ProcessRecords } from './processRecords.ts';

// Minutes: removing many links elsewhere on the machine blocks everything that touches a netns.
describe.skipIf(!canNetns())('netns (needs root)', { timeout: 120_000 }, () => {
  test('null leads to the home netns', async () => {
    const home = await new Watch(makeResolver(), null).netns();
    expect(home.id).toBe(await netnsId('/proc/self/ns/net'));
    expect(home.link('lo')).toBeDefined();
  });

  test('a listener is not called within follow, nor after it stopped', async () => {
    const places = makeResolver();
    const first = new Watch(places, null);
    await first.netns();
    const second = new Watch(places, null);
    expect(second.told).toEqual([]);
    second.stop();
    await new Promise(setImmediate);
    expect(second.told).toEqual([]);
  });

  test('a named netns that comes later is told when it is mounted, not when its file is made', async () => {
    const name = unique();
    const watch = new Watch(makeResolver(), { netns: { name } });
    expect(await watch.lost('NetnsNotFound')).toContain(`ip netns add ${name}`);
    const id = await addNetns(name);
    expect((await watch.netns()).id).toBe(id);
    expect(watch.told).toHaveLength(2);
  });

  test('deleted and added again: told both times, and the old one dies with its links', async () => {
    const [name, other] = [unique(), unique()];
    await addNetns(name);
    await addNetns(other);
    const [near, far] = [`n${process.pid}`, `f${process.pid}`];
    await run('ip', ['-n', other, 'link', 'add', near, 'type', 'veth', 'peer', far, 'netns', name]);
    const watch = new Watch(makeResolver(), { netns: { name } });
    const before = await watch.netns();
    await deleteNetns(name);
    await watch.lost('NetnsNotFound');
    // A veth goes when the netns of its other end is gone for good, which an open socket would prevent.
    await expect
      .poll(
        () =>
          run('ip', ['-n', other, 'link', 'show', near]).then(
            () => 'there',
            () => 'gone',
          ),
        { timeout: 30_000 },
      )
      .toBe('gone');
    const id = await addNetns(name);
    const after = await watch.netns(before);
    expect(after.id).toBe(id);
  });

  test('replaced between two looks: ends in the new one', async () => {
    const name = unique();
    await addNetns(name);
    const watch = new Watch(makeResolver(), { netns: { path: `/run/netns/${name}` } });
    const before = await watch.netns();
    await run('sh', ['-c', `ip netns del ${name} && ip netns add ${name}`]);
    const after = await watch.netns(before);
    expect(after.id).toBe(await netnsId(`/run/netns/${name}`));
    await watch.until('settled', (place) => 'netns' in place && place.netns.id === after.id);
  });

  test('equal selectors share one netns, which is given back by the last', async () => {
    const name = unique();
    await addNetns(name);
    const places = makeResolver();
    const [one, two] = [new Watch(places, { netns: { name } }), new Watch(places, { netns: { name } })];
    const netns = await one.netns();
    expect(await two.netns()).toBe(netns);
    one.stop();
    await expect(netns.barrier()).resolves.toBeUndefined();
    two.stop();
    await expect(netns.resync()).rejects.toThrow(/closed/);
  });

  test('a plain file, a folder that comes later, a symbolic link', async () => {
    const folder = temporaryFolder();
    const name = unique();
    const path = join(folder, 'deep', 'er', 'netns');
    const watch = new Watch(makeResolver(), { netns: { path } });
    await watch.lost('NetnsNotFound');
    mkdirSync(join(folder, 'deep', 'er'), { recursive: true });
    writeFileSync(path, '');
    expect(await watch.lost('NotANetns')).toContain(`${path} is a plain file`);
    rmSync(path);
    await addNetns(name);
    symlinkSync(`/run/netns/${name}`, path);
    expect((await watch.netns()).id).toBe(await netnsId(path));
    rmSync(join(folder, 'deep'), { recursive: true });
    await watch.lost('NetnsNotFound');
  });

  test('a home netns that goes and comes back is told', async () => {
    const name = unique();
    await addNetns(name);
    const watch = new Watch(makeResolver({ home: `/run/netns/${name}` }), null);
    const before = await watch.netns();
    await deleteNetns(name);
    expect(await watch.lost('NetnsNotFound')).toContain("the node's netns");
    await addNetns(name);
    await watch.netns(before);
  });

  test('an alias stands for its container', async () => {
    const name = unique();
    const watch = new Watch(makeResolver({ aliases: new Map([['agent1', `netns:/run/netns/${name}`]]) }), {
      docker: { name: 'agent1' },
    });
    expect(await watch.lost('ContainerNotFound')).toContain('docker container agent1');
    await addNetns(name);
    await watch.netns();
    await deleteNetns(name);
    expect(await watch.lost('ContainerGone')).toContain(`ip netns add ${name}`);
  });

  test('a selector that names nothing says so', async () => {
    expect(await new Watch(makeResolver(), {}).lost('NothingSelected')).toContain('docker.name');
  });

  test('a process, until it ends', async () => {
    const sleeper = await sleep();
    const watch = new Watch(makeResolver(), { netns: { pid: sleeper.pid! } });
    const netns = await watch.netns();
    expect(netns.id).toBe(await netnsId(`/proc/${sleeper.pid}/ns/net`));
    expect(netns.id).not.toBe(await netnsId('/proc/self/ns/net'));
    sleeper.kill('SIGKILL');
    expect(await watch.lost('ProcessNotFound')).toContain('has ended');
    await expect(netns.resync()).rejects.toThrow(/closed/);
  });

  test('another process that gets the number is not followed', async () => {
    // Another program on this machine may be given the number first.
    for (;;) {
      const first = await sleep();
      const watch = new Watch(makeResolver(), { netns: { pid: first.pid! } });
      await watch.netns();
      first.kill('SIGKILL');
      await once(first, 'exit');
      writeFileSync('/proc/sys/kernel/ns_last_pid', String(first.pid! - 1));
      const second = await sleep();
      if (second.pid !== first.pid) continue;
      await watch.lost('ProcessNotFound');
      const told = watch.told.length;
      await new Promise((resolve) => {
        setTimeout(resolve, 1200);
      });
      expect(watch.told).toHaveLength(told);
      return;
    }
  });

  const host: [string, ContainerSelector][] = [
    ['the path of a process', { netns: { path: '/proc/self/ns/net' } }],
    ['the path of a process by number', { netns: { path: `/proc/${process.pid}/ns/net` } }],
    ['a process that is in no netns of its own', { netns: { pid: process.pid } }],
  ];
  // Not every machine lets its root look at process 1.
  if (existsSync('/proc/1/ns/net')) host.push(['process 1', { netns: { pid: 1 } }]);

  test.each(host)('%s leads to the host: refused, and allowed where that is meant', async (_what, selector) => {
    const name = unique();
    await addNetns(name);
    const home = `/run/netns/${name}`;
    const refused = new Watch(makeResolver({ home }), selector);
    expect(await refused.lost('HostNetns')).toContain('--allow-host-netns');
    expect(refused.told).toHaveLength(1);
    const allowed = new Watch(makeResolver({ home, allowHostNetns: true }), selector);
    await allowed.netns();
  });

  test('a symbolic link to the netns of the host is refused, and followed again when it leads elsewhere', async () => {
    const [name, other] = [unique(), unique()];
    await addNetns(name);
    const link = join(temporaryFolder(), 'netns');
    symlinkSync(`/proc/${process.pid}/ns/net`, link);
    const watch = new Watch(makeResolver({ home: `/run/netns/${name}` }), { netns: { path: link } });
    await watch.lost('HostNetns');
    const id = await addNetns(other);
    rmSync(link);
    symlinkSync(`/run/netns/${other}`, link);
    expect((await watch.netns()).id).toBe(id);
  });

  test('a selector may lead to the home netns, the own one too', async () => {
    expect((await new Watch(makeResolver(), { netns: { pid: process.pid } }).netns()).id).toBe(
      await netnsId('/proc/self/ns/net'),
    );
  });

  test('more links than the bound: refused, and let go of when they become too many', async () => {
    const name = unique();
    await addNetns(name);
    const add = (link: string): Promise<unknown> => run('ip', ['-n', name, 'link', 'add', link, 'type', 'bridge']);
    const before = Number((await run('sh', ['-c', `ip -n ${name} -o link | wc -l`])).stdout);
    const places = makeResolver({ maxLinks: before + 1 });
    const watch = new Watch(places, { netns: { name } });
    await add('br0');
    const netns = await watch.netns();
    await add('br1');
    expect(await watch.lost('TooManyLinks')).toContain(`more than ${before + 1} (E2BIG); remove some`);
    await expect(netns.resync()).rejects.toThrow(/closed/);
    await run('ip', ['-n', name, 'link', 'del', 'br1']);
    await new Watch(makeResolver({ maxLinks: before + 1 }), { netns: { name } }).netns();
  });

  test('a process is known by its start and boot over restarts of the agent', async () => {
    const path = join(temporaryFolder(), 'processes.json');
    const { pid } = await sleep();
    const selector = { netns: { pid: pid! } };
    const first = new ProcessRecords(path);
    const watch = new Watch(makeResolver({ processes: first }), selector);
    await watch.netns();
    first.close();
    watch.stop();
    await new Watch(makeResolver({ processes: new ProcessRecords(path) }), selector).netns();

    const record = JSON.parse(readFileSync(path, 'utf8')) as { [pid: string]: { startTime: string; boot: string } };
    const known = record[String(pid)]!;
    for (const other of [
      { ...known, startTime: '1' },
      { ...known, boot: 'another' },
    ]) {
      writeFileSync(path, JSON.stringify({ [String(pid)]: other }));
      const recycled = new Watch(makeResolver({ processes: new ProcessRecords(path) }), selector);
      expect(await recycled.lost('ProcessReplaced')).toContain(
        `process ${pid} is another process than the one selected`,
      );
      expect(recycled.told).toHaveLength(1);
      recycled.stop();
    }
    // Selected by nobody any more, the number is free for another.
    await new Watch(makeResolver({ processes: new ProcessRecords(path) }), selector).netns();
  });
});

async function sleep(): Promise<ChildProcess> {
  const child = spawn('unshare', ['--net', 'sleep', '60'], { stdio: 'ignore' });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  await once(child, 'spawn');
  // In its own netns only once `unshare` has become `sleep`.
  await expect
    .poll(async () => (await run('cat', [`/proc/${child.pid}/comm`])).stdout.trim(), { timeout: 60_000 })
    .toBe('sleep');
  return child;
}
