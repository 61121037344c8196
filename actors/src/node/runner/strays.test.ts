import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { markOf } from '../../interface/diff/mark.ts';
import { verdictWords } from '../../interface/words/verdict.ts';
import { eventWords } from '@ifactor/crds/words';
import { KernelError } from '../../kernel/index.ts';
import { openMachine } from '../../testing/machine.ts';
import { TestNode } from '../../testing/node.ts';
import type { Bench } from '../../testing/kernel/suite.ts';
import type { Actor } from './actor.ts';

/* Links with the mark of an interface that it did not make. Network namespaces need root. */
describe.skipIf(process.getuid?.() !== 0)('a mark that somebody else wrote', { timeout: 60_000 }, () => {
  let bench: Bench;
  let node: TestNode;
  let paths: { [name: string]: string };

  const ip = (place: string, ...args: string[]): string =>
    execFileSync('ip', ['-n', (paths[place] ?? '').replace('/run/netns/', ''), ...args], { encoding: 'utf8' });
  const names = (place: string): string[] =>
    (JSON.parse(ip(place, '-j', 'link')) as { ifname: string }[]).map(({ ifname }) => ifname).toSorted();
  const bridge = (name: string, container: string): Actor =>
    node.apply('NetlinkInterface', name, {
      interfaceName: name,
      type: 'bridge',
      up: true,
      mtu: 1400,
      container: { netns: { name: container } },
    });
  const mark = markOf({ namespace: 'default', kind: 'netlinkinterface', name: 'br0' });

  beforeEach(async () => {
    bench = await openMachine();
    paths = { home: await bench.addNetns(), box: await bench.addNetns(), other: await bench.addNetns() };
    node = new TestNode({ kernel: bench.kernel, path: (name) => paths[name] ?? '' });
  });
  afterEach(async () => {
    node.dispose();
    await bench.close();
  });

  test('on loopback, there and elsewhere, stops neither creation, healing nor deletion', async () => {
    for (const place of ['home', 'box', 'other']) ip(place, 'link', 'set', 'lo', 'alias', mark);
    await node.settles(bridge('br1', 'other'), 'moved-to-netns');
    const actor = bridge('br0', 'box');
    await node.settles(actor, 'moved-to-netns');
    const since = node.journal.sequence;
    ip('box', 'link', 'set', 'br0', 'mtu', '1300');
    await node.until(() => node.events(actor).some(({ sequence, type }) => sequence > since && type === 'LinkChanged'));
    await node.settles(actor, 'moved-to-netns');
    expect(ip('box', 'link', 'show', 'br0')).toContain('mtu 1400');
    node.delete('NetlinkInterface', 'br0');
    await node.settles(actor, 'deleted');
    expect(names('box')).not.toContain('br0');
    expect(node.events().filter(({ type }) => type === 'OperationFailed')).toEqual([]);
  });

  test('in the netns of another interface is no business of this one', async () => {
    await node.settles(bridge('br1', 'other'), 'moved-to-netns');
    ip('other', 'link', 'add', 'decoy', 'type', 'bridge');
    // Of a link that is down the kernel does not tell a new alias.
    ip('other', 'link', 'set', 'decoy', 'alias', mark, 'up');
    const other = await bench.kernel.open(paths['other'] ?? '');
    await other.barrier();
    other.close();
    const actor = bridge('br0', 'box');
    await node.settles(actor, 'moved-to-netns');
    node.delete('NetlinkInterface', 'br0');
    await node.settles(actor, 'deleted');
    expect(names('other')).toContain('decoy');
  });

  test('on a link of its own that was moved elsewhere by hand is found there, and the link recreated in its place', async () => {
    await node.settles(bridge('br1', 'other'), 'moved-to-netns');
    const actor = node.apply('NetlinkInterface', 'v0', {
      interfaceName: 'v0',
      type: 'vxlan',
      up: true,
      container: { netns: { name: 'box' } },
      vxlan: { vni: 77, group: '192.0.2.1' },
    });
    await node.settles(actor, 'moved-to-netns');
    ip('box', 'link', 'set', 'v0', 'netns', (paths['other'] ?? '').replace('/run/netns/', ''));
    await node.until(() => !names('other').includes('v0') && names('box').includes('v0'));
    await node.settles(actor, 'moved-to-netns');
    expect(names('other')).not.toContain('v0');
  });

  test('on a link at home that cannot be removed is left alone, and told by an event and a note', async () => {
    ip('home', 'link', 'add', 'stuck', 'type', 'bridge');
    ip('home', 'link', 'set', 'stuck', 'alias', mark, 'up');
    const home = await bench.kernel.open(paths['home'] ?? '');
    await home.barrier();
    home.deleteLink = () => Promise.reject(new KernelError('EOPNOTSUPP', 'delete stuck'));
    const actor = bridge('br0', 'box');
    await node.settles(actor, 'moved-to-netns');
    expect(names('home')).toContain('stuck');
    const note = `link stuck in netns ${home.id} has the mark of this object`;
    expect(verdictWords(actor.snapshot.context)).toContain(note);
    const told = node.events(actor).filter(({ type }) => type === 'StrayLeft');
    expect(told).toMatchObject([{ data: { netns: home.id, name: 'stuck', code: 'EOPNOTSUPP' } }]);
    expect(eventWords(told[0]!)).toContain(note);
    ip('home', 'link', 'set', 'stuck', 'alias', '');
    await home.barrier();
    await node.until(() => !verdictWords(actor.snapshot.context).includes(note));
    ip('home', 'link', 'set', 'stuck', 'alias', mark);
    await home.barrier();
    node.delete('NetlinkInterface', 'br0');
    await node.settles(actor, 'deleted');
    expect(node.events(actor).filter(({ type }) => type === 'OperationFailed')).toEqual([]);
    home.close();
  });
});
