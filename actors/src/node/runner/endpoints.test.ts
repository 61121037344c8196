import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventData } from '@ifactor/crds';
import { isStaleEndpoint, remember } from '../../interface/diff/endpoint.ts';
import type { Look } from '../../interface/diff/endpoint.ts';
import { MemoryKernel } from '../../testing/memory/kernel.ts';
import { publicKeyOf } from '@ifactor/common/wireguardKey';
import type { KernelAddress, Netns } from '../../kernel/index.ts';
import { TestClock } from '@ifactor/common/testing';
import { TestNode } from '../../testing/node.ts';
import type { Actor } from './actor.ts';
import { verdictWords } from '../../interface/words/verdict.ts';

const second = 1000;
const minute = 60 * second;
const named = publicKeyOf(Buffer.alloc(32, 7));
const fixed = publicKeyOf(Buffer.alloc(32, 8));
const address = (local: string): KernelAddress => ({
  family: 'inet',
  local,
  peer: null,
  prefixlen: 24,
  noPrefixRoute: false,
});
const spec = {
  interfaceName: 'wg0',
  peers: [
    { publicKey: named, endpoint: 'vpn.example:51820' },
    { publicKey: fixed, endpoint: '192.0.2.9:51821' },
  ],
};

describe('the endpoint of a peer', () => {
  const kernel = new MemoryKernel();
  let clock: TestClock;
  let node: TestNode;
  let home: Netns;
  let asked: number;
  let names: Map<string, string[]>;

  beforeEach(async () => {
    kernel.addNetns('home');
    clock = new TestClock();
    asked = 0;
    names = new Map([['vpn.example', ['192.0.2.1']]]);
    node = new TestNode({
      kernel,
      path: (place) => place,
      clock,
      resolve: async (host) => {
        asked++;
        const found = names.get(host);
        if (!found) throw new Error('NXDOMAIN');
        return found;
      },
    });
    node.secret('default', 'wg0', 'privateKey', Buffer.alloc(32, 1));
    home = await kernel.open('home');
    await home.createLink({ kind: 'bridge', name: 'eth0' });
    await home.barrier();
  });
  afterEach(() => {
    node.dispose();
    home.close();
    kernel.removeNetns('home');
  });

  const up = async (): Promise<Actor> => {
    const actor = node.apply('WireGuardInterface', 'wg0', spec);
    await node.settles(actor, 'configured');
    return actor;
  };
  const endpoints = async (): Promise<{ [key: string]: string | undefined }> =>
    Object.fromEntries(
      (await home.wireguard.get('wg0')).peers.map(({ publicKey, endpoint }) => [publicKey, endpoint?.host]),
    );
  const edit = (publicKey: string, host: string): Promise<void> =>
    home.wireguard.set('wg0', { peers: [{ publicKey, endpoint: { host, port: 51820 } }] });

  it('is looked up again when there was no handshake for 135 s, and written only if it leads elsewhere', async () => {
    const actor = await up();
    expect(asked).toBe(1);
    await clock.pass(130 * second);
    expect(asked).toBe(1);
    await clock.pass(60 * second);
    expect(asked).toBe(2);
    const from = node.journal.sequence;
    await clock.pass(10 * minute);
    expect(asked).toBeGreaterThan(4);
    expect(asked).toBeLessThan(9);
    expect(node.journal.sequence).toBe(from);

    names.set('vpn.example', ['192.0.2.2']);
    await clock.pass(3 * minute);
    await node.settles(actor, 'configured');
    expect(await endpoints()).toEqual({ [named]: '192.0.2.2', [fixed]: '192.0.2.9' });
    const drift = node
      .events(actor)
      .filter(({ type }) => type === 'DriftObserved')
      .map(({ data }) => (data as EventData['DriftObserved']).drift);
    expect(drift).toEqual([
      [{ field: `peers[${named}].endpoint`, wanted: 'vpn.example:51820', found: '192.0.2.1:51820' }],
    ]);
    expect(
      node
        .events(actor)
        .filter(({ type }) => type === 'PeerChanged')
        .at(-1)?.data,
    ).toMatchObject({ resolved: '192.0.2.2:51820' });
  });

  it('is looked up at once when the addresses of the host change', async () => {
    const actor = await up();
    names.set('vpn.example', ['192.0.2.3', '192.0.2.4']);
    await home.addAddress(home.link('eth0')!.index, address('10.7.0.1'));
    await home.barrier();
    await clock.pass(second);
    await node.settles(actor, 'configured');
    expect((await endpoints())[named]).toBe('192.0.2.3');
    const from = node.journal.sequence;
    names.set('vpn.example', ['192.0.2.5', '192.0.2.3']);
    await home.removeAddress(home.link('eth0')!.index, address('10.7.0.1'));
    await home.barrier();
    await clock.pass(second);
    expect(node.journal.sequence).toBe(from);
  });

  it('does not block other peers where its name has no address, and is tried again when the host has a new one', async () => {
    names.clear();
    const actor = await up();
    expect(await endpoints()).toEqual({ [named]: undefined, [fixed]: '192.0.2.9' });
    expect(verdictWords(actor.snapshot.context)).toContain('vpn.example:51820 has no address now');
    names.set('vpn.example', ['192.0.2.1']);
    await home.addAddress(home.link('eth0')!.index, address('10.7.0.1'));
    await home.barrier();
    await clock.pass(second);
    await node.settles(actor, 'configured');
    expect((await endpoints())[named]).toBe('192.0.2.1');
    expect(verdictWords(actor.snapshot.context)).not.toContain('no address');
  });

  it('does not wait for a resolver that does not answer', async () => {
    node.dispose();
    node = new TestNode({ kernel, path: (place) => place, clock, resolve: () => new Promise(() => undefined) });
    node.secret('default', 'wg0', 'privateKey', Buffer.alloc(32, 1));
    const actor = node.apply('WireGuardInterface', 'wg0', {
      ...spec,
      peers: [
        { publicKey: named, endpoint: 'one.example:1' },
        { publicKey: publicKeyOf(Buffer.alloc(32, 6)), endpoint: 'two.example:1' },
        spec.peers[1],
      ],
    });
    await clock.pass(2 * second);
    await node.settles(actor, 'configured');
    expect((await endpoints())[fixed]).toBe('192.0.2.9');
  });

  it('is healed where somebody wrote another and no handshake came by it', async () => {
    const actor = await up();
    await edit(fixed, '198.51.100.1');
    await clock.pass(2 * minute);
    expect((await endpoints())[fixed]).toBe('198.51.100.1');
    await clock.pass(minute);
    await node.settles(actor, 'configured');
    expect((await endpoints())[fixed]).toBe('192.0.2.9');
    expect(node.events(actor).find(({ type }) => type === 'DriftObserved')?.data).toMatchObject({
      drift: [{ field: `peers[${fixed}].endpoint`, wanted: '192.0.2.9:51821', found: '198.51.100.1:51820' }],
    });
    const from = node.journal.sequence;
    await clock.pass(10 * minute);
    expect(node.journal.sequence).toBe(from);
  });
});

describe('an endpoint that is not the one that was written', () => {
  const quiet = 135 * second;
  const start = Date.parse('2026-01-01T00:00:00Z');
  const before: Look = { found: 'a:1', lastHandshakeTime: start, rxBytes: 100, txBytes: 100 };
  /** What is judged so many seconds after the kernel's endpoint became b:1 by `change`, when the device shows `then`. */
  const judged = (change: Partial<Look>, seconds: number, then: Partial<Look> = {}): boolean => {
    const moved = { ...before, found: 'b:1', ...change };
    const first = remember(undefined, before, start);
    const seen = remember(first, moved, start + 5 * second);
    const now = start + (5 + seconds) * second;
    const last = { ...moved, ...then };
    return isStaleEndpoint(remember(seen, last, now), last, 'a:1', now, quiet);
  };

  it('is kept while handshakes are recent', () => {
    expect(judged({ rxBytes: 200, lastHandshakeTime: start + 4 * second }, 100)).toBe(false);
    expect(judged({}, 300, { lastHandshakeTime: start + 250 * second })).toBe(false);
  });

  it('is kept where it was learned by roaming and nothing is said any more', () => {
    expect(judged({ rxBytes: 200 }, 10_000)).toBe(false);
  });

  it('is kept where a handshake came by it', () => {
    expect(judged({}, 10_000, { lastHandshakeTime: start + 20 * second })).toBe(false);
  });

  it('is not where it was written by hand, or is spoken to in vain', () => {
    expect(judged({}, 100)).toBe(false);
    expect(judged({}, 200)).toBe(true);
    expect(judged({ rxBytes: 200 }, 200, { txBytes: 900 })).toBe(true);
    expect(judged({ rxBytes: 200 }, 200, { txBytes: 900, rxBytes: 300 })).toBe(false);
  });
});
