import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

  test('no private key of this run stands in a log, a stream, a journal or a status', async () => {
    const keys = new Set<string>();
    for (const container of lab.containers) {
      const { stdout } = await lab.exec(container, 'wg', 'show', 'all', 'private-key');
      for (const line of stdout.trim().split('\n')) keys.add(line.split('\t')[1] ?? '');
    }
    keys.delete('');
    expect(keys.size).toBe(4);
    const spellings = [...keys].flatMap((key) => {
      const raw = Buffer.from(key, 'base64');
      return [Buffer.from(key), raw, Buffer.from(raw.toString('hex')), Buffer.from(raw.toString('base64url'))];
    });
    const files = ['logs', 'nats', 'agents'].flatMap((folder) => filesIn(join(lab.dir, folder))).filter((path) => !isKeyFile(path));
    expect(files.some((path) => path.includes('IFACTOR_EVENTS'))).toBe(true);
    expect(files.filter((path) => holds(readFileSync(path), spellings))).toEqual([]);
    const said = Buffer.from(await lab.kubectl(['get', 'wgp,wgi,nl,events', '--output', 'yaml']));
    expect(holds(said, spellings)).toBe(false);
  });

  test('taken down with its tunnels up and its agents dead, it leaves nothing', async () => {
    for (const node of ['lax1', 'lax2']) succeeded(await lab.command('kill', `agent/${node}`));
    expect(await traces(lab)).not.toEqual([]);
    succeeded(await lab.command('down'));
    expect(await traces(lab)).toEqual([]);
  });
});

function holds(content: Buffer, spellings: Buffer[]): boolean {
  return spellings.some((spelling) => content.includes(spelling));
}

/** Where a node keeps the keys that it made itself: files that only their owner may read. */
function isKeyFile(path: string): boolean {
  return /\/agents\/[^/]+\/keys?\//.test(path);
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : []));
}
