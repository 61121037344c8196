/** Links of any kind, and the netns they are in. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { NetnsChange, NewLink } from '../../kernel/kernel.ts';
import { address, plain, refusal, type Fixture } from './fixture.ts';

export function linkSuite(fixture: () => Fixture): void {
  let on: Fixture;
  beforeEach(() => {
    on = fixture();
  });

  describe('netns', () => {
    it('shows lo at once', () => {
      expect([...on.netns.links()]).toMatchObject([{ index: 1, name: 'lo', kind: '', up: false, mtu: 65536 }]);
    });

    it('is one object for all uses of a path, until the last is given back', async () => {
      const again = await on.bench.kernel.open(on.path);
      expect(again).toBe(on.netns);
      again.close();
      await on.netns.barrier();
      on.netns.close();
      expect(await refusal(on.netns.barrier())).toBe('ECLOSED');
      expect(await refusal(on.netns.resync())).toBe('ECLOSED');
      expect(await refusal(on.netns.createLink({ kind: 'bridge', name: 'br0' }))).toBe('ECLOSED');
      const reopened = await on.bench.kernel.open(on.path);
      expect(reopened.link('lo')).toBeDefined();
      expect(reopened.id).toBe(on.netns.id);
    });

    it('refuses a path that leads nowhere', async () => {
      expect(await refusal(on.bench.kernel.open('/run/netns/ift-there-is-none'))).toBe('ENOENT');
    });

    it('keeps netns apart', async () => {
      const second = await on.other();
      await on.bridge();
      await second.barrier();
      expect(second.id).not.toBe(on.netns.id);
      expect(second.link('br0')).toBeUndefined();
    });

    it('tells that it is lost, and takes a veth end elsewhere with it', async () => {
      const second = await on.other();
      await on.netns.createLink({ kind: 'veth', name: 'a0', peer: { name: 'b0', netns: second } });
      await on.seen('b0', second);
      const [lost, removed] = [on.next('lost'), on.next('linkRemoved', second)];
      await on.bench.removeNetns(on.path);
      await lost;
      expect(await removed).toMatchObject({ name: 'b0' });
      expect(await refusal(on.netns.barrier())).toBe('ECLOSED');
    });

    it('goes on telling the others when a listener throws', async () => {
      const heard: NetnsChange[] = [];
      on.netns.subscribe(() => {
        throw new Error('of the test');
      });
      on.netns.subscribe((change) => heard.push(change));
      await on.bridge();
      expect(heard).toMatchObject([{ type: 'link', name: 'br0' }]);
    });
  });

  describe('links', () => {
    it('creates with mtu, and changes alias, address generation and admin state', async () => {
      await on.netns.createLink({ kind: 'bridge', name: 'br0', mtu: 1400 });
      const made = await on.seen('br0');
      expect(made).toMatchObject({ kind: 'bridge', mtu: 1400, up: false, alias: null, master: null });
      await on.netns.changeLink(made.index, {
        alias: 'ifactor:ns/netlinkinterface/br0',
        addrGenMode: 'none',
        up: true,
      });
      expect(await on.seen('br0')).toMatchObject({
        up: true,
        alias: 'ifactor:ns/netlinkinterface/br0',
        addrGenMode: 'none',
        mtu: 1400,
      });
      await on.netns.changeLink(made.index, { alias: null, up: false, mtu: 1300 });
      expect(await on.seen('br0')).toMatchObject({ up: false, alias: null, mtu: 1300 });
      expect(on.netns.link('br0')!.flags).not.toContain('UP');
    });

    it('takes an alias and "up" where packets are too small for IPv6, and passes address generation over', async () => {
      await on.netns.createLink({ kind: 'bridge', name: 'br0', mtu: 1279 });
      const { index, addrGenMode } = await on.seen('br0');
      expect(addrGenMode).toBeUndefined();
      await on.netns.changeLink(index, { alias: 'ours', addrGenMode: 'none', up: true });
      expect(await on.seen('br0')).toMatchObject({ alias: 'ours', up: true, mtu: 1279 });
      expect(await refusal(on.netns.addAddress(index, address('fe80::1', 64)))).not.toBe('done');
      await on.netns.changeLink(index, { mtu: 1280 });
      await on.netns.changeLink(index, { addrGenMode: 'none' });
      expect(await on.seen('br0')).toMatchObject({ addrGenMode: 'none', mtu: 1280 });
    });

    it('shows an alias that is set while the link is down', async () => {
      const { index } = await on.bridge();
      await on.netns.changeLink(index, { alias: 'one' });
      expect((await on.seen('br0')).alias).toBe('one');
    });

    it('renames', async () => {
      const { index } = await on.bridge();
      await on.netns.changeLink(index, { name: 'br1' });
      expect((await on.seen('br1')).index).toBe(index);
      expect(on.netns.link('br0')).toBeUndefined();
    });

    it('gives a link that is made again another index', async () => {
      const { index } = await on.bridge();
      await on.netns.deleteLink(index);
      expect((await on.bridge()).index).not.toBe(index);
      expect(on.netns.linkAt(index)).toBeUndefined();
    });

    it('refuses what cannot be', async () => {
      const { index } = await on.bridge();
      expect(await refusal(on.netns.createLink({ kind: 'bridge', name: 'br0' }))).toBe('EEXIST');
      expect(await refusal(on.netns.createLink({ kind: 'bridge', name: 'a-name-too-long0' }))).toBe('ERANGE');
      expect(await refusal(on.netns.createLink({ kind: 'bridge', name: 'a/b' }))).toBe('EINVAL');
      expect(await refusal(on.netns.createLink({ kind: 'vxlan', name: 'vx0', vxlan: { vni: 1, link: 4242 } }))).toBe(
        'ENODEV',
      );
      expect(
        await refusal(on.netns.createLink({ kind: 'vxlan', name: 'vx0', vxlan: { vni: 1, group: 'nonsense' } })),
      ).toBe('EINVAL');
      expect(await refusal(on.netns.deleteLink(4242))).toBe('ENODEV');
      expect(await refusal(on.netns.changeLink(4242, { up: true }))).toBe('ENODEV');
      expect(await refusal(on.netns.changeLink(index, { mtu: 1 }))).toBe('EINVAL');
      expect(await refusal(on.netns.changeLink(index, { name: 'lo' }))).toBe('EEXIST');
    });

    const tunnel = { link: null, local: '127.0.0.1', remote: '127.0.0.2', ttl: 0, tos: 0 };
    const kinds: { module: string; make: (lower: number) => NewLink }[] = [
      { module: 'dummy', make: () => ({ name: 'x0', kind: 'dummy' }) },
      { module: 'bridge', make: () => ({ name: 'x0', kind: 'bridge' }) },
      { module: '8021q', make: (link) => ({ name: 'x0', kind: 'vlan', vlan: { link, id: 5, protocol: '802.1Q' } }) },
      { module: 'macvlan', make: (link) => ({ name: 'x0', kind: 'macvlan', macvlan: { link, mode: 'bridge' } }) },
      { module: 'vrf', make: () => ({ name: 'x0', kind: 'vrf', vrf: { table: 10 } }) },
      { module: 'ipip', make: () => ({ name: 'x0', kind: 'ipip', ipip: tunnel }) },
      {
        module: 'ip_gre',
        make: () => ({ name: 'x0', kind: 'gre', gre: { ...tunnel, inputKey: null, outputKey: null } }),
      },
    ];
    it.each(kinds)('has the kind of module $module, or says that it lacks it', async ({ module, make }) => {
      const link = make((await on.bridge()).index);
      const supported = on.bench.supports(link.kind);
      const outcome = await on.netns.createLink(link).catch((error: unknown) => error);
      await on.netns.barrier();
      expect(on.netns.link('x0')?.kind).toBe(supported ? link.kind : undefined);
      if (supported) expect(outcome).toBeUndefined();
      else expect(outcome).toMatchObject({ code: 'EOPNOTSUPP', module });
    });

    it('tells of each change once, in order', async () => {
      const heard: NetnsChange[] = [];
      on.netns.subscribe((change) => heard.push(change));
      const { index } = await on.bridge();
      await on.netns.addAddress(index, address('10.9.0.1', 24));
      await on.netns.barrier();
      await on.netns.changeLink(index, { mtu: 1400 });
      await on.netns.barrier();
      await on.netns.deleteLink(index);
      await on.netns.barrier();
      const types = heard.map(({ type }) => type);
      expect(types.slice(0, 3)).toEqual(['link', 'addresses', 'link']);
      expect(types.at(-1)).toBe('linkRemoved');
    });

    it('carries out many requests at once', async () => {
      const names = Array.from({ length: 60 }, (_, at) => `br${at}`);
      await Promise.all(
        names.map(async (linkName) => {
          const { index } = await on.bridge(linkName);
          await on.netns.changeLink(index, { alias: linkName, addrGenMode: 'none', up: true });
          await on.netns.addAddress(index, address(`10.8.${index}.1`, 24));
        }),
      );
      await on.netns.barrier();
      for (const linkName of names) {
        const link = on.netns.link(linkName)!;
        expect(link).toMatchObject({ alias: linkName, up: true });
        expect(plain(on.netns.addresses(link.index))).toEqual([address(`10.8.${link.index}.1`, 24)]);
      }
      await on.netns.resync();
      expect([...on.netns.links()]).toHaveLength(61);
      const ends = await Promise.all(
        [...names.map((name) => on.netns.link(name)!.index), 4242, 1].map((index) =>
          refusal(on.netns.deleteLink(index)),
        ),
      );
      expect(ends.slice(0, 60).every((end) => end === 'done')).toBe(true);
      expect(ends.slice(60)).toEqual(['ENODEV', 'EOPNOTSUPP']);
      await on.netns.barrier();
      expect([...on.netns.links()]).toHaveLength(1);
    });
  });
}
