import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AttributedLink, ObservedLink } from '@ifactor/crds';
import { MemoryKernel } from '../testing/memory/kernel.ts';
import type { Netns } from '../kernel/index.ts';
import { rulesFor, netlinkKey as key } from '../testing/rules.ts';
import { observe } from './observe.ts';
import { perform } from './perform.ts';

let kernel: MemoryKernel;
let box: Netns;

beforeEach(async () => {
  kernel = new MemoryKernel();
  kernel.addNetns('/box');
  box = await kernel.open('/box');
  await box.createLink({ kind: 'veth', name: 'low0', up: true, peer: { name: 'low1' } });
  await box.barrier();
});
afterEach(() => kernel.close());

const act = async (operation: Parameters<typeof perform>[0]) => {
  await perform(operation, {
    netns: () => box,
    netnsById: () => box,
    secret: () => Buffer.alloc(0),
    address: async (host) => host,
  });
  await box.barrier();
};
const make = (link: AttributedLink) =>
  act({ type: 'CreateLink', slot: 'target', name: 'x0', mark: 'ifactor:default/netlinkinterface/x1', link });
const seen = async (spec: object = { type: 'dummy' }) => {
  const { rules, spec: read } = rulesFor(key, { interfaceName: 'x0', up: true, ...spec });
  return observe(key, rules, read, { target: box }, [box]);
};
const target = async (): Promise<ObservedLink | null | undefined> => (await seen()).links.target;

const tunnel = { dev: 'low0', local: '192.0.2.1', remote: '192.0.2.2', ttl: 9, tos: 4 };
const vxlan = {
  vni: 9,
  dev: 'low0',
  local: '192.0.2.1',
  group: '192.0.2.2',
  port: 4790,
  portRange: [4000, 5000] as [number, number],
  tos: 4,
  ttl: 9,
  learning: false,
  ageing: false,
  proxy: true,
};
const links: AttributedLink[] = [
  { kind: 'vxlan', vxlan },
  { kind: 'vxlan', vxlan: { ...vxlan, dev: null, portRange: null, ageing: true } },
  { kind: 'vlan', vlan: { dev: 'low0', id: 9, protocol: '802.1ad' } },
  { kind: 'macvlan', macvlan: { dev: 'low0', mode: 'vepa' } },
  { kind: 'vrf', vrf: { table: 9 } },
  { kind: 'ipip', ipip: tunnel },
  { kind: 'ipip', ipip: { ...tunnel, dev: null, local: null } },
  { kind: 'gre', gre: { ...tunnel, inputKey: 1, outputKey: null } },
];

describe('attributes', () => {
  test.each(links)('of a $kind are seen as they were asked for', async (link) => {
    await make(link);
    const { kind, ...attributes } = link;
    expect(await target()).toMatchObject({ kind, ...attributes });
  });

  test('of a tunnel are changed where it stands', async () => {
    await make({ kind: 'gre', gre: { ...tunnel, inputKey: 1, outputKey: 1 } });
    const before = await target();
    const other = { ...tunnel, remote: '192.0.2.7', inputKey: null, outputKey: 2 };
    await act({
      type: 'ChangeLink',
      slot: 'target',
      name: 'x0',
      change: { mtu: 1300, link: { kind: 'gre', gre: other } },
    });
    expect(await target()).toEqual({ ...before, mtu: 1300, gre: other });
  });

  test('of what stands on a device that is not there are refused in words', async () => {
    const missing: AttributedLink[] = [
      { kind: 'vlan', vlan: { dev: 'gone0', id: 9, protocol: '802.1Q' } },
      { kind: 'gre', gre: { ...tunnel, dev: 'gone0', inputKey: null, outputKey: null } },
    ];
    for (const link of missing)
      await expect(make(link)).rejects.toThrow(`create ${link.kind} over gone0: no such link (ENODEV); waiting for it`);
  });

  test('name a device whose link is gone by its number', async () => {
    await make({ kind: 'ipip', ipip: tunnel });
    const { index } = box.link('low0')!;
    await box.deleteLink(index);
    await box.barrier();
    expect(await target()).toMatchObject({ ipip: { dev: `if${index}` } });
  });
});

test('a vrf shows its slaves', async () => {
  await make({ kind: 'vrf', vrf: { table: 9 } });
  await act({ type: 'AttachSlave', slot: 'target', name: 'x0', slave: 'low0' });
  expect(await target()).toMatchObject({ slaves: ['low0'] });
});

test('the device below a vlan is told of where it is down, and there', async () => {
  const spec = { type: 'vlan', vlan: { dev: 'low0', id: 9 } };
  expect(await seen(spec)).toMatchObject({ devices: { low0: true } });
  expect(await seen(spec)).not.toHaveProperty('down');
  await box.changeLink(box.link('low0')!.index, { up: false });
  await box.barrier();
  expect((await seen(spec)).down).toEqual(['low0']);
  expect(await seen({ ...spec, up: false })).not.toHaveProperty('down');
  const { rules, spec: read } = rulesFor(key, { interfaceName: 'x0', up: true, ...spec });
  expect(await observe(key, rules, read, {}, [])).toEqual({ links: {}, strays: [], devices: { low0: false } });
  await box.deleteLink(box.link('low0')!.index);
  await box.barrier();
  expect(await seen(spec)).toMatchObject({ devices: { low0: false } });
  expect(await seen(spec)).not.toHaveProperty('down');
});
