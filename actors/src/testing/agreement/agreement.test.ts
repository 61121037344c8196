import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { markOf } from '../../interface/kind/index.ts';
import { netlinkKey as key } from '../rules.ts';
import { machineLacks } from '../machine.ts';
import * as kinds from './kinds.ts';
import type { Kind } from './kinds.ts';
import { kernelHasWireGuard, wireguardAgreement } from './wireguard.ts';
import { addressesOf, World } from './world.ts';

/*
 * Whether we and iproute2 mean the same by every field: what we write, `ip` reads; what `ip` writes, we read. For legal values at
 * random, IFACTOR_RUNS of them for each kind and direction.
 */
vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });
const numRuns = Number(process.env['IFACTOR_RUNS'] ?? 12);
const mark = markOf(key);
const general = fc.record({ up: fc.boolean(), mtu: fc.integer({ min: 1280, max: 1400 }), addresses: kinds.addresses });

type Any = Kind<object>;
const { addresses: _, printed, ...table } = kinds;
const lacks = process.getuid?.() === 0 ? machineLacks() : [];
const present = (Object.values(table) as unknown as Any[]).filter(({ type }) => !lacks.includes(type));

describe.skipIf(process.getuid?.() !== 0)('we and ip agree', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.open();
  });
  afterAll(() => world?.close());

  const removed = async (name: string): Promise<void> => {
    world.ip('near', [`link del ${name}`]);
    await world.near.barrier();
  };

  describe.each(present)('on a $type', ({ type, section, words, read, meant, slaves }) => {
    const spec = (settings: object, rest: object): object => ({
      interfaceName: 'x0',
      type,
      ...rest,
      ...(type === 'dummy' ? {} : { [type]: settings }),
    });

    test('that we make, and change from something else', async () => {
      await fc.assert(
        fc.asyncProperty(section, general, section, general, async (former, before, settings, rest) => {
          await world.converge(key, spec(former, before));
          await world.converge(key, spec(settings, rest));
          const all = world.shown();
          const link = all.get('x0');
          await removed('x0');
          expect(link).toMatchObject({
            ifname: 'x0',
            mtu: rest.mtu,
            ifalias: mark,
            inet6_addr_gen_mode: 'none',
            linkinfo: { info_kind: type },
          });
          expect(link?.flags.includes('UP')).toBe(rest.up);
          expect(addressesOf(link!)).toEqual(rest.addresses.map(printed).toSorted());
          expect(link?.addr_info.some(({ noprefixroute }) => noprefixroute)).toBe(false);
          expect(read(link?.linkinfo?.info_data ?? {}, link?.link ?? null)).toEqual(meant(settings));
          expect(
            [...all.values()]
              .filter(({ master }) => master === 'x0')
              .map(({ ifname }) => ifname)
              .toSorted(),
          ).toEqual(slaves?.(settings) ?? []);
        }),
        { numRuns },
      );
    });

    test('that ip makes', async () => {
      await fc.assert(
        fc.asyncProperty(section, section, general, async (settings, others, rest) => {
          const { before = [], after } = words(settings);
          world.ip('near', [
            ['link', 'add', ...before, 'name', 'x0', 'type', type, ...after].join(' '),
            `link set x0 alias ${mark} addrgenmode none`,
            `link set x0 ${rest.up ? 'up' : 'down'}`,
            ...(slaves?.(settings) ?? []).map((slave) => `link set ${slave} master x0`),
            // A bridge takes that of its slaves unless it has been told.
            `link set x0 mtu ${rest.mtu}`,
            ...rest.addresses.map(
              ({ ipcidr, peerCidr }) =>
                `address add ${ipcidr}${peerCidr === undefined ? '' : ` peer ${peerCidr}`} dev x0${ipcidr.includes(':') ? ' nodad' : ''}`,
            ),
          ]);
          // The kernel does not tell of the alias of a link that is down.
          await world.near.resync();
          const same = await world.difference(key, spec(settings, rest));
          const other = await world.difference(key, spec(others, { up: !rest.up, mtu: rest.mtu - 1, addresses: [] }));
          await removed('x0');
          expect(same.difference.drift).toEqual([]);
          // And that is not because we look at nothing.
          const fields = other.difference.drift.map(({ field }) => field);
          const special = JSON.stringify(meant(settings)) !== JSON.stringify(meant(others));
          expect(fields.some((field) => field.startsWith(`${type}.`) && field !== `${type}.slaves`)).toBe(special);
          // A link that is recreated differs in nothing else.
          if (!special)
            expect(fields).toEqual(
              expect.arrayContaining(['up', 'mtu', ...(rest.addresses.length > 0 ? ['addresses'] : [])]),
            );
        }),
        { numRuns },
      );
    });
  });

  test('on a veth that ip makes, at both of its ends', async () => {
    await fc.assert(
      fc.asyncProperty(general, kinds.addresses, async (rest, far) => {
        const ends = [
          ['near', 'x0', rest.addresses, mark],
          ['far', 'y0', far, markOf(key, 'peer')],
        ] as const;
        world.makePair('x0', 'y0');
        for (const [where, name, list, alias] of ends) {
          world.alias(where, name, alias);
          world.ip(where, [
            `link set ${name} addrgenmode none`,
            `link set ${name} mtu ${rest.mtu} ${rest.up ? 'up' : 'down'}`,
            ...list.map(
              ({ ipcidr, peerCidr }) =>
                `address add ${ipcidr}${peerCidr === undefined ? '' : ` peer ${peerCidr}`} dev ${name}${ipcidr.includes(':') ? ' nodad' : ''}`,
            ),
          ]);
        }
        for (const netns of [world.near, world.far]) await netns.resync();
        const pair = (up: boolean, addresses: typeof far): object => ({
          interfaceName: 'x0',
          type: 'veth',
          ...rest,
          up,
          veth: { peer: { interfaceName: 'y0', container: { netns: { path: '/run/netns/elsewhere' } }, addresses } },
        });
        const same = await world.difference(key, pair(rest.up, far));
        const other = await world.difference(key, pair(!rest.up, []));
        await removed('x0');
        expect(same.difference).toEqual({ drift: [], operations: [], waiting: [], conflict: null });
        expect(other.difference.drift.filter(({ field }) => field === 'up')).toHaveLength(2);
        expect(other.difference.drift.filter(({ field }) => field === 'addresses')).toHaveLength(far.length);
      }),
      { numRuns },
    );
  });

  if (process.getuid?.() === 0 && kernelHasWireGuard()) wireguardAgreement(() => world, numRuns);

  test('on a veth that we make, at both of its ends', async () => {
    const end = fc.record({ addresses: kinds.addresses });
    await fc.assert(
      fc.asyncProperty(general, end, async (rest, far) => {
        const container = { netns: { path: '/run/netns/elsewhere' } };
        await world.converge(key, {
          interfaceName: 'x0',
          type: 'veth',
          ...rest,
          veth: { peer: { interfaceName: 'y0', container, ...far } },
        });
        const [near, other] = [world.shown().get('x0')!, world.shown('far').get('y0')!];
        await removed('x0');
        for (const [link, wanted, alias] of [
          [near, rest.addresses, mark],
          [other, far.addresses, markOf(key, 'peer')],
        ] as const) {
          expect(link).toMatchObject({ mtu: rest.mtu, ifalias: alias, linkinfo: { info_kind: 'veth' } });
          expect(link.flags.includes('UP')).toBe(rest.up);
          expect(addressesOf(link)).toEqual(wanted.map(printed).toSorted());
        }
      }),
      { numRuns },
    );
  });
});
