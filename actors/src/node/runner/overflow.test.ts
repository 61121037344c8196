import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Bench } from '../../testing/kernel/suite.ts';
import { openMachine } from '../../testing/machine.ts';
import { TestNode } from '../../testing/node.ts';

const run = promisify(execFile);
const container = { docker: { name: 'box' } };

const burst = Array.from({ length: 5000 }, (_, at) => `link set noise0 mtu ${1300 + (at % 100)}`);
const spec = (at: number) => ({
  interfaceName: `br${at}`,
  type: 'bridge',
  up: true,
  mtu: 1400,
  addresses: [{ ipcidr: `10.0.${at}.1/24` }],
  container,
});

// Network namespaces need root.
describe.skipIf(process.getuid?.() !== 0)('when the kernel has more to tell than the agent hears', () => {
  let bench: Bench;
  let node: TestNode;
  let paths: { [name: string]: string };
  const name = (place: string): string => (paths[place] ?? '').replace('/run/netns/', '');

  beforeEach(async () => {
    bench = await openMachine();
    paths = { home: await bench.addNetns(), box: await bench.addNetns() };
    node = new TestNode({ kernel: bench.kernel, path: (place) => paths[place] ?? '' });
  });
  afterEach(async () => {
    node.dispose();
    await bench.close();
  });

  test('what was done to a link during 10 000 notifications that nobody read is healed', async () => {
    const actors = [0, 1, 2].map((at) => node.apply('NetlinkInterface', `br${at}`, spec(at)));
    for (const actor of actors) await node.settles(actor, 'moved-to-netns');
    const box = await bench.kernel.open(paths['box'] ?? '');
    let resyncs = 0;
    box.subscribe(({ type }) => {
      if (type === 'resync') resyncs++;
    });
    const from = node.journal.sequence;
    // Nothing is read meanwhile: this process waits.
    const lines = [
      'link add noise0 type bridge',
      ...burst,
      'link del br0',
      'addr del 10.0.1.1/24 dev br1',
      'link set br2 down',
      ...burst,
    ];
    execFileSync('ip', ['-n', name('box'), '-batch', '-'], { input: lines.join('\n') });
    await box.barrier();
    expect(resyncs).toBeGreaterThan(0);
    for (const actor of actors) {
      await node.until(
        () => node.events(actor).some(({ sequence, type }) => sequence > from && type === 'DriftObserved'),
        () => node.story(actor),
      );
      await node.settles(actor, 'moved-to-netns');
    }
    await box.barrier();
    for (const at of [0, 1, 2]) {
      const link = box.link(`br${at}`);
      expect(link).toMatchObject({ up: true, mtu: 1400 });
      expect(box.addresses(link?.index ?? 0)).toMatchObject([{ local: `10.0.${at}.1` }]);
    }
    box.close();
  });

  test('a netns that vanishes while it is read is said to be lost, or refused, and nothing hangs', async () => {
    const outcomes = new Set<string>();
    for (let round = 0; round < 25; round++) {
      const path = await bench.addNetns();
      const short = path.replace('/run/netns/', '');
      const links = Array.from({ length: 60 }, (_, at) => `link add ve${at} type veth peer name vf${at}`);
      execFileSync('ip', ['-n', short, '-batch', '-'], { input: links.join('\n') });
      const gone = bench.removeNetns(path);
      try {
        const netns = await bench.kernel.open(path);
        const lost = new Promise<string>((resolve) => {
          netns.subscribe((change) => {
            if (change.type === 'lost') resolve('lost');
          });
        });
        const read = netns.resync().then(
          () => lost,
          (error: unknown) => (error as { code?: string }).code ?? 'unnamed',
        );
        outcomes.add(await read);
      } catch (error) {
        outcomes.add((error as { code?: string }).code ?? 'unnamed');
      }
      await gone;
    }
    expect([...outcomes].filter((outcome) => !['lost', 'ENOENT', 'ECLOSED'].includes(outcome))).toEqual([]);
  });

  test('an interface whose netns vanishes while it is made waits for its container, and is made in the next', async () => {
    const actor = node.apply('NetlinkInterface', 'br0', {
      interfaceName: 'br0',
      type: 'bridge',
      up: true,
      addresses: Array.from({ length: 50 }, (_, at) => ({ ipcidr: `10.1.${at}.1/24` })),
      container,
    });
    await node.until(
      () => node.events(actor).some(({ type }) => type === 'LinkCreated' || type === 'AddressAdded'),
      () => node.story(actor),
    );
    await bench.removeNetns(paths['box'] ?? '');
    await node.places.set('box', false);
    await node.settles(actor, 'pending');
    expect(actor.snapshot.context.verdict.reason).toBe('ContainerGone');
    paths['box'] = await bench.addNetns();
    await node.places.set('box', true);
    await node.settles(actor, 'moved-to-netns');
    const { stdout } = await run('ip', ['-n', name('box'), '-j', 'address', 'show', 'br0']);
    expect((JSON.parse(stdout) as { addr_info: unknown[] }[])[0]?.addr_info).toHaveLength(50);
  });
});
