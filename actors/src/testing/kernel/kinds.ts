/** What is particular to a kind of link. A kind that the kernel lacks is left out: suiteLinks.ts has what it says then. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { AttributedKind } from '../../kernel/wire/kind/index.ts';
import { address, refusal, type Fixture } from './fixture.ts';

export function kindSuite(fixture: () => Fixture, lacks: readonly string[]): void {
  let on: Fixture;
  beforeEach(() => {
    on = fixture();
  });

  describe('bridge ports', () => {
    it('enslaves, releases, and releases all when the bridge goes', async () => {
      const { index: upper } = await on.bridge();
      await on.netns.createLink({ kind: 'veth', name: 'a0', peer: { name: 'b0' } });
      const { index: port } = await on.seen('a0');
      await on.netns.changeLink(port, { master: upper });
      expect((await on.seen('a0')).master).toBe(upper);
      await on.netns.changeLink(port, { master: null });
      expect((await on.seen('a0')).master).toBeNull();
      await on.netns.changeLink(port, { master: upper });
      await on.netns.deleteLink(upper);
      expect((await on.seen('a0')).master).toBeNull();
      expect(on.netns.link('br0')).toBeUndefined();
    });

    it('refuses a bridge in a bridge, and a port of what is no bridge', async () => {
      const { index: upper } = await on.bridge();
      const { index: second } = await on.bridge('br1');
      expect(await refusal(on.netns.changeLink(second, { master: upper }))).toBe('ELOOP');
      await on.netns.createLink({ kind: 'veth', name: 'a0', peer: { name: 'b0' } });
      const { index: port } = await on.seen('a0');
      expect(await refusal(on.netns.changeLink(upper, { master: port }))).toBe('EOPNOTSUPP');
    });
  });

  describe('veth', () => {
    it('makes both ends in one netns, each knowing the other', async () => {
      await on.netns.createLink({ kind: 'veth', name: 'a0', mtu: 1400, peer: { name: 'b0', mtu: 1300 } });
      const [a, b] = [await on.seen('a0'), await on.seen('b0')];
      expect(a).toMatchObject({ kind: 'veth', mtu: 1400, peerIndex: b.index, linkNetnsId: null });
      expect(b).toMatchObject({ kind: 'veth', mtu: 1300, peerIndex: a.index, linkNetnsId: null });
      await on.netns.deleteLink(b.index);
      await on.netns.barrier();
      expect(on.netns.link('a0')).toBeUndefined();
    });

    it('makes the ends in two netns, and they die together', async () => {
      const second = await on.other();
      await on.netns.createLink({ kind: 'veth', name: 'a0', peer: { name: 'b0', netns: second } });
      const [a, b] = [await on.seen('a0'), await on.seen('b0', second)];
      expect(on.netns.link('b0')).toBeUndefined();
      expect(a.peerIndex).toBe(b.index);
      expect(b.peerIndex).toBe(a.index);
      expect(a.linkNetnsId).not.toBeNull();
      await on.netns.deleteLink(a.index);
      await second.barrier();
      expect(second.link('b0')).toBeUndefined();
    });

    it('makes both ends up', async () => {
      const second = await on.other();
      await on.netns.createLink({ kind: 'veth', name: 'a0', up: true, peer: { name: 'b0', up: true, netns: second } });
      expect((await on.seen('a0')).up).toBe(true);
      expect((await on.seen('b0', second)).up).toBe(true);
    });

    it('makes neither end where one name is taken', async () => {
      await on.bridge('b0');
      expect(await refusal(on.netns.createLink({ kind: 'veth', name: 'a0', peer: { name: 'b0' } }))).toBe('EEXIST');
      await on.netns.barrier();
      expect(on.netns.link('a0')).toBeUndefined();
    });

    it('moves an end: gone here, down and without addresses there', async () => {
      const second = await on.other();
      await on.netns.createLink({ kind: 'veth', name: 'a0', peer: { name: 'b0' } });
      const { index } = await on.seen('a0');
      await on.netns.changeLink(index, { up: true, alias: 'kept' });
      await on.netns.addAddress(index, address('10.7.0.1', 24));
      const removed = on.next('linkRemoved');
      await on.netns.changeLink(index, { netns: second });
      expect(await removed).toMatchObject({ name: 'a0', index });
      const moved = await on.seen('a0', second);
      expect(moved).toMatchObject({ up: false, kind: 'veth', alias: 'kept' });
      expect(second.addresses(moved.index)).toEqual([]);
      expect(await refusal(on.netns.changeLink(index, { up: true }))).toBe('ENODEV');
    });

    it('refuses to move where the name is taken', async () => {
      const second = await on.other();
      await second.createLink({ kind: 'bridge', name: 'a0' });
      await on.netns.createLink({ kind: 'veth', name: 'a0', peer: { name: 'b0' } });
      expect(await refusal(on.netns.changeLink((await on.seen('a0')).index, { netns: second }))).toBe('EEXIST');
      expect((await on.seen('a0')).kind).toBe('veth');
    });
  });

  describe('vxlan', () => {
    it('shows every attribute as it was asked for', async () => {
      const { index: lower } = await on.bridge();
      const vxlan = {
        vni: 142,
        link: lower,
        local: '2001:db8::1',
        group: 'ff05::100',
        port: 4789,
        portRange: [32768, 40000] as [number, number],
        tos: 16,
        ttl: 5,
        learning: false,
        ageing: 0,
        proxy: true,
      };
      await on.netns.createLink({ kind: 'vxlan', name: 'vx0', mtu: 1370, vxlan });
      expect(await on.seen('vx0')).toMatchObject({ kind: 'vxlan', mtu: 1370, vxlan });
      await on.netns.createLink({
        kind: 'vxlan',
        name: 'vx1',
        vxlan: { vni: 143, group: '192.0.2.9', local: '192.0.2.1', port: 4789 },
      });
      expect((await on.seen('vx1')).vxlan).toMatchObject({
        vni: 143,
        link: null,
        group: '192.0.2.9',
        local: '192.0.2.1',
        learning: true,
        ageing: 300,
        proxy: false,
      });
    });

    it('refuses a second with the same number, and dies with its lower device', async () => {
      const { index: lower } = await on.bridge();
      const vxlan = { vni: 7, link: lower, port: 4789 };
      await on.netns.createLink({ kind: 'vxlan', name: 'vx0', vxlan });
      expect(await refusal(on.netns.createLink({ kind: 'vxlan', name: 'vx1', vxlan }))).toBe('EEXIST');
      await on.netns.deleteLink(lower);
      await on.netns.barrier();
      expect(on.netns.link('vx0')).toBeUndefined();
    });
  });
  /** A veth end that is up, for others to stand on. */
  const below = async (): Promise<number> => {
    await on.netns.createLink({ kind: 'veth', name: 'low0', up: true, peer: { name: 'low1' } });
    return (await on.seen('low0')).index;
  };
  const present = (kind: string): string[] => [kind].filter((one) => !lacks.includes(one));

  describe.each(present('vlan'))('%s', () => {
    it('shows every attribute as it was asked for', async () => {
      const link = await below();
      for (const [name, vlan] of [
        ['v0', { link, id: 5, protocol: '802.1Q' }],
        ['v1', { link, id: 4094, protocol: '802.1ad' }],
      ] as const) {
        await on.netns.createLink({ kind: 'vlan', name, vlan });
        expect(await on.seen(name)).toMatchObject({ kind: 'vlan', vlan, peerIndex: link });
      }
    });

    it('refuses a second of one tag, and any change of it', async () => {
      const link = await below();
      const vlan = { link, id: 5, protocol: '802.1Q' } as const;
      await on.netns.createLink({ kind: 'vlan', name: 'v0', vlan });
      expect(await refusal(on.netns.createLink({ kind: 'vlan', name: 'v1', vlan }))).toBe('EEXIST');
      expect(await refusal(on.netns.createLink({ kind: 'vlan', name: 'v1', vlan: { ...vlan, link: 4242 } }))).toBe(
        'ENODEV',
      );
    });

    it('follows its lower device down and up, and dies with it', async () => {
      const link = await below();
      await on.netns.createLink({ kind: 'vlan', name: 'v0', up: true, vlan: { link, id: 5, protocol: '802.1Q' } });
      await on.netns.changeLink(link, { up: false });
      const { index, up } = await on.seen('v0');
      expect(up).toBe(false);
      expect(await refusal(on.netns.changeLink(index, { up: true }))).toBe('ENETDOWN');
      await on.netns.changeLink(link, { up: true });
      expect((await on.seen('v0')).up).toBe(true);
      await on.netns.deleteLink(link);
      await on.netns.barrier();
      expect(on.netns.link('v0')).toBeUndefined();
    });
  });

  describe.each(present('macvlan'))('%s', () => {
    it('shows its device and mode, and takes another mode', async () => {
      const link = await below();
      await on.netns.createLink({
        kind: 'macvlan',
        name: 'm0',
        mac: '02:00:00:00:00:07',
        macvlan: { link, mode: 'private' },
      });
      const { index } = await on.seen('m0');
      for (const mode of ['private', 'vepa', 'bridge'] as const) {
        await on.netns.changeLink(index, { attributes: { kind: 'macvlan', macvlan: { link, mode } } });
        expect(await on.seen('m0')).toMatchObject({
          kind: 'macvlan',
          mac: '02:00:00:00:00:07',
          macvlan: { link, mode },
        });
      }
      expect(
        await refusal(
          on.netns.changeLink(index, { attributes: { kind: 'macvlan', macvlan: { link, mode: 'passthru' } } }),
        ),
      ).toBe('EINVAL');
      await on.netns.deleteLink(link);
      await on.netns.barrier();
      expect(on.netns.link('m0')).toBeUndefined();
    });

    it('is the only one in mode passthru', async () => {
      const link = await below();
      await on.netns.createLink({ kind: 'macvlan', name: 'm0', macvlan: { link, mode: 'passthru' } });
      expect((await on.seen('m0')).macvlan).toEqual({ link, mode: 'passthru' });
      expect(
        await refusal(on.netns.createLink({ kind: 'macvlan', name: 'm1', macvlan: { link, mode: 'bridge' } })),
      ).toBe('EINVAL');
    });
  });

  describe.each(present('vrf'))('%s', () => {
    it('shows its table, takes links in and lets them go', async () => {
      const port = await below();
      await on.netns.createLink({ kind: 'vrf', name: 'red', vrf: { table: 4_294_967_295 } });
      const { index: upper, vrf } = await on.seen('red');
      expect(vrf).toEqual({ table: 4_294_967_295 });
      await on.netns.changeLink(port, { master: upper });
      expect((await on.seen('low0')).master).toBe(upper);
      await on.netns.changeLink(port, { master: null });
      expect((await on.seen('low0')).master).toBeNull();
    });

    it('keeps its table and its netns', async () => {
      await on.netns.createLink({ kind: 'vrf', name: 'red', vrf: { table: 10 } });
      const { index } = await on.seen('red');
      expect(await refusal(on.netns.changeLink(index, { attributes: { kind: 'vrf', vrf: { table: 11 } } }))).toBe(
        'EOPNOTSUPP',
      );
      expect(await refusal(on.netns.changeLink(index, { netns: await on.other() }))).toBe('EINVAL');
    });
  });

  const tunnel = { link: null, local: '192.0.2.1', remote: '192.0.2.2', ttl: 64, tos: 16 };
  const tunnels = {
    ipip: (change: object): AttributedKind => ({ kind: 'ipip', ipip: { ...tunnel, ...change } }),
    gre: (change: object): AttributedKind => ({
      kind: 'gre',
      gre: { ...tunnel, inputKey: null, outputKey: null, ...change },
    }),
  };
  describe.each((['ipip', 'gre'] as const).filter((kind) => !lacks.includes(kind)))('%s', (kind) => {
    const make = tunnels[kind];

    it('shows every attribute as it was asked for, and has no MAC address', async () => {
      await on.netns.createLink({
        name: 't0',
        ...make({ link: await below(), ...(kind === 'gre' ? { inputKey: 0, outputKey: 4_294_967_295 } : {}) }),
      });
      const { link } = (await on.seen('t0'))[kind]!;
      expect(await on.seen('t0')).toMatchObject({
        kind,
        mac: null,
        [kind]: { ...tunnel, link: (await on.seen('low0')).index },
      });
      expect(link).not.toBeNull();
      if (kind === 'gre') expect((await on.seen('t0')).gre).toMatchObject({ inputKey: 0, outputKey: 4_294_967_295 });
      await on.netns.createLink({ name: 't1', ...make({ local: null, ttl: 0, tos: 0 }) });
      expect(await on.seen('t1')).toMatchObject({
        [kind]: { link: null, local: null, remote: '192.0.2.2', ttl: 0, tos: 0 },
      });
    });

    it('takes other attributes, and refuses those of another', async () => {
      await on.netns.createLink({ name: 't0', up: true, ...make({}) });
      const { index } = await on.seen('t0');
      for (const change of [{ remote: '192.0.2.3' }, { local: '192.0.2.9' }, { ttl: 9 }, { tos: 1 }, { local: null }]) {
        await on.netns.changeLink(index, { attributes: make(change) });
        expect(await on.seen('t0')).toMatchObject({ index, up: true, [kind]: { ...tunnel, ...change } });
      }
      await on.netns.createLink({ name: 't1', ...make({ remote: '192.0.2.4' }) });
      expect(await refusal(on.netns.createLink({ name: 't2', ...make({ remote: '192.0.2.4' }) }))).toBe('EEXIST');
      expect(await refusal(on.netns.changeLink(index, { attributes: make({ remote: '192.0.2.4' }) }))).toBe('EEXIST');
      expect(await refusal(on.netns.createLink({ name: 't3', ...make({ remote: 'fe80::1' }) }))).toBe('EINVAL');
    });
  });
}
