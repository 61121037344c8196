/** Addresses of links. */
import { beforeEach, describe, expect, it } from 'vitest';
import { address, plain, refusal, type Fixture } from './fixture.ts';

export function addressSuite(fixture: () => Fixture): void {
  let on: Fixture;
  beforeEach(() => {
    on = fixture();
  });

  describe('addresses', () => {
    it('adds and removes both families, with and without peer', async () => {
      const { index } = await on.bridge();
      const all = [
        address('10.1.0.1', 24),
        address('10.1.1.1', 32, { peer: '10.1.2.1' }),
        address('10.1.3.1', 24, { noPrefixRoute: true }),
        address('fe80::1771', 64, { peer: 'fe80::a:1771' }),
        address('2001:db8::1', 64, { noPrefixRoute: true }),
      ];
      for (const one of all) await on.netns.addAddress(index, one);
      await on.netns.barrier();
      expect(plain(on.netns.addresses(index))).toEqual(expect.arrayContaining(all));
      expect(on.netns.addresses(index)).toHaveLength(all.length);
      for (const one of all) await on.netns.removeAddress(index, one);
      await on.netns.barrier();
      expect(on.netns.addresses(index)).toEqual([]);
    });

    it('finds out whether an address answers', async () => {
      const far = await on.other();
      await on.netns.createLink({ kind: 'veth', name: 'v0', up: true, peer: { name: 'v1', up: true, netns: far } });
      const [near, there] = [await on.seen('v0'), await on.seen('v1', far)];
      for (const [one, two] of [
        ['10.1.0.1', '10.1.0.2'],
        ['2001:db8::1', '2001:db8::2'],
      ] as const) {
        const length = one.includes(':') ? 64 : 24;
        await on.netns.addAddress(near.index, address(one, length));
        await far.addAddress(there.index, address(two, length));
        // An IPv6 address is usable once duplicate address detection has finished.
        await expect.poll(() => on.netns.reaches(two), { timeout: 20_000 }).toBe(true);
        await far.removeAddress(there.index, address(two, length));
        expect(await on.netns.reaches(two)).toBe(false);
      }
      expect(await on.netns.reaches('192.0.2.1')).toBe(false);
      await expect(on.netns.reaches('gateway')).rejects.toThrow(RangeError);
    });

    it('writes addresses canonically, and takes a peer equal to the local one for none', async () => {
      const { index } = await on.bridge();
      await on.netns.addAddress(index, address('2001:DB8:0:0:0::0A', 64, { peer: '2001:db8::a' }));
      await on.netns.barrier();
      expect(plain(on.netns.addresses(index))).toEqual([address('2001:db8::a', 64)]);
    });

    it('refuses doubles, what is not there, and nonsense', async () => {
      const { index } = await on.bridge();
      await on.netns.addAddress(index, address('10.1.0.1', 24));
      await on.netns.addAddress(index, address('2001:db8::1', 64));
      expect(await refusal(on.netns.addAddress(index, address('10.1.0.1', 24)))).toBe('EEXIST');
      expect(await refusal(on.netns.addAddress(index, address('2001:db8::1', 48)))).toBe('EEXIST');
      expect(await refusal(on.netns.removeAddress(index, address('10.1.0.9', 24)))).toBe('EADDRNOTAVAIL');
      expect(await refusal(on.netns.addAddress(index, address('10.1.0.1', 33)))).toBe('EINVAL');
      expect(await refusal(on.netns.addAddress(index, address('10.1.0', 24)))).toBe('EINVAL');
      expect(await refusal(on.netns.addAddress(4242, address('10.1.0.1', 24)))).toBe('ENODEV');
    });

    it('loses inet6 addresses, but not inet ones, when the link goes down', async () => {
      const { index } = await on.bridge();
      await on.netns.changeLink(index, { addrGenMode: 'none', up: true });
      await on.netns.addAddress(index, address('10.1.0.1', 24));
      await on.netns.addAddress(index, address('2001:db8::1', 64));
      await on.netns.changeLink(index, { up: false });
      await on.netns.barrier();
      expect(plain(on.netns.addresses(index))).toEqual([address('10.1.0.1', 24)]);
    });

    it('has no link-local address of the kernel with address generation off, and one without', async () => {
      await on.netns.createLink({ kind: 'veth', name: 'a0', peer: { name: 'b0' } });
      const [a, b] = [await on.seen('a0'), await on.seen('b0')];
      await on.netns.changeLink(a.index, { addrGenMode: 'none', up: true });
      const generated = on.next('addresses');
      await on.netns.changeLink(b.index, { up: true });
      expect(await generated).toMatchObject({ name: 'b0' });
      expect(on.netns.addresses(b.index)[0]!.local).toMatch(/^fe80::/);
      expect(on.netns.addresses(a.index)).toEqual([]);
    });
  });
}
