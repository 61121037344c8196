/** What is particular to bridges, veths and vxlans. */
import { beforeEach, describe, expect, it } from 'vitest';
import { address, refusal, type Fixture } from './suiteFixture.ts';

export function kindSuite(fixture: () => Fixture): void {
  let on: Fixture;
  beforeEach(() => { on = fixture(); });

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
        vni: 142, link: lower, local: '2001:db8::1', group: 'ff05::100', port: 4789, portRange: [32768, 40000] as [number, number],
        tos: 16, ttl: 5, learning: false, ageing: 0, proxy: true,
      };
      await on.netns.createLink({ kind: 'vxlan', name: 'vx0', mtu: 1370, vxlan });
      expect(await on.seen('vx0')).toMatchObject({ kind: 'vxlan', mtu: 1370, vxlan });
      await on.netns.createLink({ kind: 'vxlan', name: 'vx1', vxlan: { vni: 143, group: '192.0.2.9', local: '192.0.2.1', port: 4789 } });
      expect((await on.seen('vx1')).vxlan).toMatchObject({ vni: 143, link: null, group: '192.0.2.9', local: '192.0.2.1', learning: true, ageing: 300, proxy: false });
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
}
