import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clamped } from './keys.ts';
import { eventually, Lab, succeeded } from './lab.ts';
import { runtimes } from './runtime.ts';
import { traces } from './trace.ts';

describe.each(runtimes())('a running lab with containers of %s', (runtime) => {
  let lab: Lab;
  let one: string;

  beforeAll(async () => {
    lab = await Lab.start(runtime);
    one = lab.containers[0];
    await lab.apply('wgp1.yaml', 'lax1-wg1.yaml', 'lax1-wg2.yaml', 'veth.yaml');
    await lab.ready('wgp/wgp1', 'wgi/wg1', 'wgi/wg2', 'nl/veth1');
    await lab.ping(one, '10.4.0.2', '10.4.0.2');
  });
  afterAll(() => lab.end());

  test('an agent that is killed leaves the tunnels up, and keeps them when it is back', async () => {
    const before = await lab.link(one, 'wg-lax1-lax2-0');
    succeeded(await lab.command('kill', 'agent/lax1'));
    expect((await lab.command('status')).code).toBe(1);
    await lab.ping(one, '10.4.0.2', '10.4.0.2');
    // What happens while nobody looks is found afterwards.
    succeeded(await lab.exec(one, 'ip', 'link', 'del', 'veth1-a'));
    succeeded(await lab.command('restart', 'agent/lax1'));
    await eventually(() => lab.link(one, 'veth1-a'));
    expect((await lab.link(one, 'wg-lax1-lax2-0')).ifindex).toBe(before.ifindex);
    expect((await lab.command('status')).code).toBe(0);
  });

  test('without NATS a node goes on healing; what is applied meanwhile comes when NATS is back', async () => {
    succeeded(await lab.command('kill', 'nats'));
    const { ifindex } = await lab.link(one, 'veth1-a');
    succeeded(await lab.exec(one, 'ip', 'link', 'del', 'veth1-a'));
    await eventually(async () => expect((await lab.link(one, 'veth1-a')).ifindex).not.toBe(ifindex));
    await lab.apply('nl2-bridge.yaml');
    succeeded(await lab.command('restart', 'nats'));
    await lab.ready('nl/nl2-bridge', 'nl/nl2-slave');
    expect((await lab.link(one, 'veth2-a')).master).toBe('br1');
  });

  test('an API server that is killed comes back with what it knew', async () => {
    succeeded(await lab.command('kill', 'apiserver'));
    await lab.ping(one, '10.4.0.2', '10.4.0.2');
    succeeded(await lab.command('restart', 'apiserver'));
    await lab.kubectl(['patch', 'nl', 'veth1', '--type=merge', '--patch', '{"spec":{"mtu":1300}}']);
    await eventually(async () => expect((await lab.link(one, 'veth1-a')).mtu).toBe(1300));
  });

  test('a bridge that is killed is followed by the next', async () => {
    succeeded(await lab.command('kill', 'bridge'));
    succeeded(await lab.command('restart', 'bridge'));
    await lab.kubectl(['patch', 'nl', 'veth1', '--type=merge', '--patch', '{"spec":{"mtu":1400}}']);
    await eventually(async () => expect((await lab.link(one, 'veth1-a')).mtu).toBe(1400));
  });

  test('no key of this run stands in a log, a stream, a journal, a status or on a screen, and one that did would be found', async () => {
    await lab.ifactor('events', '--json');
    await lab.ifactor('replay', '--verify');
    expect(await lab.leaks()).toEqual([]);
    const used = await Promise.all(
      lab.containers.map(async (container) => (await lab.exec(container, 'wg', 'show', 'all', 'private-key')).stdout),
    );
    const keys = used.flatMap((text) =>
      text
        .trim()
        .split('\n')
        .map((line) => line.split('\t')[1]),
    );
    expect(keys).toHaveLength(4);
    expect(new Set([...lab.keys].map((key) => clamped(key).toString('base64')))).toEqual(new Set(keys));
    const raw = Buffer.from(keys[0] ?? '', 'base64');
    const folders = ['logs', 'nats', 'agents'].map((folder) => join(lab.dir, folder, 'planted'));
    for (const [at, content] of [keys[1] ?? '', raw, raw.toString('hex')].entries())
      writeFileSync(folders[at] ?? '', content);
    expect(await lab.leaks()).toEqual(folders);
    for (const path of folders) rmSync(path);
  });

  test('taken down with its tunnels up and its agents dead, it leaves nothing', async () => {
    for (const node of ['lax1', 'lax2']) succeeded(await lab.command('kill', `agent/${node}`));
    expect(await traces(lab)).not.toEqual([]);
    succeeded(await lab.command('down'));
    expect(await traces(lab)).toEqual([]);
  });
});
