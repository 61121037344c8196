import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bench } from '../../testing/kernel/suite.ts';
import { publicKeyOf } from '@ifactor/common/wireguardKey';
import type { Netns } from '../../kernel/index.ts';
import { openMachine } from '../../testing/machine.ts';
import { TestNode } from '../../testing/node.ts';
import type { Actor } from './actor.ts';

/** Milliseconds without a handshake after which an endpoint is doubted. */
const quiet = 400;
const keys = { one: Buffer.alloc(32, 1), two: Buffer.alloc(32, 2) };

// Network namespaces need root.
describe.skipIf(process.getuid?.() !== 0)('a tunnel between two containers', () => {
  let bench: Bench;
  let node: TestNode;
  let one: Netns;
  let two: Netns;

  beforeEach(async () => {
    bench = await openMachine();
    const paths = new Map<string, string>();
    for (const name of ['home', 'one', 'two']) paths.set(name, await bench.addNetns());
    node = new TestNode({ kernel: bench.kernel, path: (name) => paths.get(name) ?? '', poll: 50, quiet });
    [one, two] = [await bench.kernel.open(paths.get('one')!), await bench.kernel.open(paths.get('two')!)];
    await (await bench.kernel.open(paths.get('home')!)).changeLink(1, { up: true });
    for (const [name, key] of Object.entries(keys)) node.secret('default', name, 'privateKey', key);
  });
  afterEach(async () => {
    node.dispose();
    await bench.close();
  });

  const apply = async (name: 'one' | 'two', listenPort: number, endpoint: string): Promise<Actor> => {
    const [own, far] = name === 'one' ? ['10.9.0.1', '10.9.0.2'] : ['10.9.0.2', '10.9.0.1'];
    const actor = node.apply('WireGuardInterface', name, {
      interfaceName: `wg-${name}`,
      moveToContainer: true,
      container: { docker: { name } },
      listenPort,
      addresses: [{ family: 'inet', local: own, peer: far, prefixlen: 32 }],
      peers: [{ publicKey: publicKeyOf(keys[name === 'one' ? 'two' : 'one']), endpoint, allowedIPs: [`${far}/32`] }],
    });
    await node.settles(actor, 'moved-to-netns');
    return actor;
  };
  const port = async (): Promise<number | undefined> => (await one.wireguard.get('wg-one')).peers[0]?.endpoint?.port;

  it('keeps the endpoint that a peer roamed to, and loses the one that somebody wrote', async () => {
    const actor = await apply('one', 5101, '127.0.0.1:5102');
    await apply('two', 5102, '127.0.0.1:5101');
    await expect.poll(() => one.reaches('10.9.0.2'), { timeout: 30_000 }).toBe(true);
    expect(await port()).toBe(5102);

    const far = await apply('two', 5103, '127.0.0.1:5101');
    await expect.poll(async () => (await two.wireguard.get('wg-two')).listenPort, { timeout: 30_000 }).toBe(5103);
    await expect.poll(() => two.reaches('10.9.0.1'), { timeout: 30_000 }).toBe(true);
    expect(await port()).toBe(5103);
    await node.settles(far, 'moved-to-netns');
    const from = node.journal.sequence;
    await new Promise((resolve) => setTimeout(resolve, 5 * quiet));
    expect(await port()).toBe(5103);
    expect(node.journal.sequence).toBe(from);

    const afterEdit = async (): Promise<number | undefined> => {
      // A packet of the peer's, such as a keepalive, brings back where it roamed to.
      const endpoint = { host: '127.0.0.9', port: 5999 };
      if ((await port()) === 5103)
        await one.wireguard.set('wg-one', { peers: [{ publicKey: publicKeyOf(keys.two), endpoint }] });
      return port();
    };
    await expect.poll(afterEdit, { timeout: 30_000 }).toBe(5102);
    await node.settles(actor, 'moved-to-netns');
    expect(node.events(actor).some(({ type, sequence }) => type === 'DriftObserved' && sequence > from)).toBe(true);
  });
});
