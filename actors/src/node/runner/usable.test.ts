import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Actor } from './actor.ts';
import { machineSupports, openMachine } from '../../testing/machine.ts';
import type { Bench } from '../../testing/kernel/suite.ts';
import { TestNode } from '../../testing/node.ts';
import { describeVerdict, verdictWords } from '../../interface/words/verdict.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
const container = (name: string) => ({ docker: { name } });

// Network namespaces need root.
describe.skipIf(process.getuid?.() !== 0)('ready means usable', () => {
  let bench: Bench;
  let node: TestNode;
  let paths: { [name: string]: string };

  beforeEach(async () => {
    bench = await openMachine();
    paths = {};
    for (const name of ['home', 'near', 'far']) paths[name] = await bench.addNetns();
    node = new TestNode({ kernel: bench.kernel, path: (name) => paths[name] ?? '' });
  });
  afterEach(async () => {
    node.dispose();
    await bench.close();
  });

  const run = (netns: string, ...command: string[]): string =>
    execFileSync('ip', ['netns', 'exec', paths[netns]!.replace('/run/netns/', ''), ...command], { encoding: 'utf8' });
  const veth = (near: object[], far: object[]): Actor =>
    node.apply('NetlinkInterface', 've', {
      interfaceName: 've0',
      type: 'veth',
      up: true,
      addresses: near,
      container: container('near'),
      veth: { peer: { interfaceName: 've1', container: container('far'), addresses: far } },
    });
  const becomes = (actor: Actor, reason: string): Promise<void> =>
    node.until(
      () => actor.snapshot.context.verdict.reason === reason,
      () => `${verdictWords(actor.snapshot.context)}\n${node.story(actor)}`,
    );
  const reasons = (actor: Actor): string[] => {
    const found: string[] = [];
    node.runner.changed.subscribe((changed) => {
      if (changed === actor) found.push(changed.snapshot.context.verdict.reason);
    });
    return found;
  };

  test('the first ping over a veth with IPv6 addresses is answered, from either end', async () => {
    const actor = veth([{ ipcidr: 'fd01::1/64' }], [{ ipcidr: 'fd01::2/64' }]);
    await node.until(() => actor.snapshot.context.ready.status === 'True');
    expect(run('near', 'ping', '-6', '-c', '1', '-W', '1', 'fd01::2')).toContain(' 0% packet loss');
    expect(run('far', 'ping', '-6', '-c', '1', '-W', '1', 'fd01::1')).toContain(' 0% packet loss');
    expect(node.events(actor).filter(({ type }) => type === 'TimerElapsed')).toEqual([]);
  });

  test('an address that the far end has already is a reason of its own, and heals by itself once it is free', async () => {
    const actor = veth([{ ipcidr: 'fd01::1/64' }], []);
    await node.until(() => actor.snapshot.context.ready.status === 'True');
    // As another program would that does not ask whether the address is free.
    run('far', 'ip', 'link', 'add', 'mv0', 'type', 'bridge');
    run('far', 'ip', 'link', 'set', 've1', 'master', 'mv0');
    run('far', 'ip', 'link', 'set', 'mv0', 'up');
    run('far', 'ip', 'addr', 'add', 'fd01::2/64', 'dev', 'mv0', 'nodad');
    veth([{ ipcidr: 'fd01::2/64' }], []);
    await becomes(actor, 'AddressDuplicate');
    expect(actor.snapshot.context.ready.status).toBe('False');
    expect(verdictWords(actor.snapshot.context)).toContain('fd01::2');
    run('far', 'ip', 'addr', 'del', 'fd01::2/64', 'dev', 'mv0');
    await node.until(() => actor.snapshot.context.ready.status === 'True');
    expect(run('near', 'ip', '-6', 'addr', 'show', 'dev', 've0')).not.toMatch(/tentative|dadfailed/);
    expect(describeVerdict(actor.snapshot.context).reason).toBe('MovedToNetns');
  });

  test('no IPv4 address is waited for', async () => {
    const actor = veth([{ ipcidr: '10.1.0.1/24' }], [{ ipcidr: '10.1.0.2/24' }]);
    const told = reasons(actor);
    await node.settles(actor, 'moved-to-netns');
    expect(actor.snapshot.context.ready.status).toBe('True');
    expect(told).not.toContain('AddressTentative');
    expect(run('near', 'ping', '-c', '1', '-W', '1', '10.1.0.2')).toContain(' 0% packet loss');
  });

  test.skipIf(!machineSupports('macvlan'))('a link without carrier is ready, and waits once it gets one', async () => {
    const far = paths['far']!.replace('/run/netns/', '');
    run('near', 'ip', 'link', 'add', 'lower', 'type', 'veth', 'peer', 'name', 'upper', 'netns', far);
    run('near', 'ip', 'link', 'set', 'lower', 'up');
    const actor = node.apply('NetlinkInterface', 'mv', {
      interfaceName: 'mv0',
      type: 'macvlan',
      up: true,
      addresses: [{ ipcidr: 'fd02::1/64' }],
      container: container('near'),
      macvlan: { dev: 'lower', mode: 'bridge' },
    });
    const told = reasons(actor);
    await node.until(
      () => actor.snapshot.context.ready.status === 'True',
      () => node.story(actor),
    );
    expect(told).not.toContain('AddressTentative');
    run('far', 'ip', 'link', 'set', 'upper', 'up');
    await becomes(actor, 'AddressTentative');
    expect(actor.snapshot.context.ready.status).toBe('False');
    await becomes(actor, 'MovedToNetns');
    expect(run('near', 'ip', '-6', 'addr', 'show', 'dev', 'mv0')).not.toContain('tentative');
  });
});
