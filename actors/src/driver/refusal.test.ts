import { constants } from 'node:os';
import { expect, test } from 'vitest';
import type { KernelOperation, LinkKind } from '@ifactor/crds';
import { KernelError } from '../kernel/index.ts';
import { explained } from './refusal.ts';

const at = { slot: 'target', name: 'x0' } as const;
const create = (link: LinkKind, more: object = {}): KernelOperation => ({
  type: 'CreateLink',
  ...at,
  mark: 'm',
  link,
  ...more,
});
const tunnel = { dev: null, local: null, remote: '10.0.0.1', ttl: 0, tos: 0 };
const vxlan = {
  vni: 7,
  dev: null,
  local: null,
  group: null,
  port: 4789,
  portRange: null,
  tos: 0,
  ttl: 0,
  learning: true,
  ageing: true,
  proxy: false,
};
const address = { family: 'inet6', local: 'fe80::1', peer: null, prefixlen: 64, noPrefixRoute: false } as const;
const attach: KernelOperation = { type: 'AttachSlave', ...at, slave: 'p0' };

test.each<[code: string, words: string, operation: KernelOperation]>([
  ['EEXIST', 'interfaceName: there is another link x0', create({ kind: 'bridge' })],
  ['EINVAL', 'the kernel refuses what bridge and mtu (9) say', create({ kind: 'bridge' }, { mtu: 9 })],
  ['EINVAL', 'the kernel refuses what vrf say', create({ kind: 'vrf', vrf: { table: 1 } })],
  ['EEXIST', 'vxlan: another vxlan has the same vni and port', create({ kind: 'vxlan', vxlan })],
  ['EINVAL', 'vxlan: the kernel refuses group, local or dev', create({ kind: 'vxlan', vxlan })],
  ['EADDRINUSE', 'vxlan.port: another program has this UDP port', create({ kind: 'vxlan', vxlan })],
  [
    'EEXIST',
    'vlan: another link has the same id',
    create({ kind: 'vlan', vlan: { dev: 'e0', id: 1, protocol: '802.1Q' } }),
  ],
  [
    'EOPNOTSUPP',
    'vlan.dev: it carries no tagged frames (EOPNOTSUPP); choose another dev',
    create({ kind: 'vlan', vlan: { dev: 'e0', id: 1, protocol: '802.1Q' } }),
  ],
  [
    'EBUSY',
    'macvlan.dev: another program uses it (EBUSY); choose another dev',
    create({ kind: 'macvlan', macvlan: { dev: 'e0', mode: 'bridge' } }),
  ],
  ['EINVAL', 'macvlan.mode: dev has', create({ kind: 'macvlan', macvlan: { dev: 'e0', mode: 'passthru' } })],
  ['EEXIST', 'ipip: another tunnel has the same', create({ kind: 'ipip', ipip: tunnel })],
  ['EEXIST', 'gre: another tunnel has', create({ kind: 'gre', gre: { ...tunnel, inputKey: null, outputKey: null } })],
  ['EEXIST', 'ipip: another tunnel', { type: 'ChangeLink', ...at, change: { link: { kind: 'ipip', ipip: tunnel } } }],
  ['EINVAL', 'mtu: x0 does not take 9000', { type: 'ChangeLink', ...at, change: { mtu: 9000 } }],
  ['ERANGE', 'mtu: x0 does not take 9000', { type: 'ChangeLink', ...at, change: { mtu: 9000 } }],
  ['EEXIST', 'interfaceName: there is another link x1', { type: 'ChangeLink', ...at, change: { name: 'x1' } }],
  ['EEXIST', 'interfaceName: there is another link x0', { type: 'MoveLink', ...at, from: 'home' }],
  ['EINVAL', 'addresses: the kernel takes no fe80::1/64 on x0', { type: 'AddAddress', ...at, address }],
  ['EADDRNOTAVAIL', 'an mtu of at least 1280', { type: 'AddAddress', ...at, address }],
  [
    'EACCES',
    'of a single host',
    { type: 'AddAddress', ...at, address: { ...address, family: 'inet', local: '1.2.3.4' } },
  ],
  ['EINVAL', 'slaves: p0 cannot be attached to x0, it is of a kind', attach],
  ['EOPNOTSUPP', 'slaves: p0 cannot be attached to x0, it is of a kind', attach],
  ['ELOOP', 'attached to itself', attach],
  ['EBUSY', 'another program uses it', attach],
  ['EADDRINUSE', 'UDP port 5', { type: 'SetWireGuard', ...at, change: { listenPort: 5 } }],
  [
    'EINVAL',
    'peers[K]: the kernel refuses endpoint',
    { type: 'SetPeer', ...at, publicKey: 'K', change: { endpoint: 'a:1' } },
  ],
  [
    'EEXIST',
    'peers[K]: the kernel refuses endpoint, allowedIPs',
    { type: 'SetPeer', ...at, publicKey: 'K', change: { endpoint: 'a:1', allowedIPs: [] } },
  ],
  ['EEXIST', 'peers[K]: the kernel refuses the key', { type: 'SetPeer', ...at, publicKey: 'K', change: {} }],
])('%s is told as "%s"', (code, words, operation) => {
  const error = new KernelError(code, 'do it');
  const told = explained(error, operation);
  expect(told).toBeInstanceOf(KernelError);
  expect(told).toMatchObject({ code, operation: 'do it', message: expect.stringContaining(words), cause: error });
  expect((told as Error).message).toMatch(new RegExp(`^cannot do it: .* \\(${code}\\); .+`));
});

test.each<[why: string, error: unknown, operation: KernelOperation]>([
  [
    'the kernel said it',
    new KernelError('EEXIST', 'do it', { kernelWords: 'VNI in use' }),
    create({ kind: 'vxlan', vxlan }),
  ],
  [
    'the kind is missing',
    new KernelError('EOPNOTSUPP', 'do it', { module: '8021q' }),
    create({ kind: 'vlan', vlan: { dev: 'e0', id: 1, protocol: '802.1Q' } }),
  ],
  ['it is not of the object', new KernelError('EPERM', 'do it'), create({ kind: 'bridge' })],
  [
    'somebody said what it means',
    new KernelError('EINVAL', 'do it', { meaning: 'no key' }),
    create({ kind: 'bridge' }),
  ],
  ['the kernel did not send it', new Error('lost'), create({ kind: 'bridge' })],
])('an error stays as it is where %s', (_, error, operation) => {
  expect(explained(error, operation)).toBe(error);
});

const operations: KernelOperation[] = [
  create({ kind: 'bridge' }),
  create({ kind: 'wireguard' }, { mtu: 9 }),
  create({ kind: 'veth', peer: 'p0' }),
  create({ kind: 'vrf', vrf: { table: 1 } }),
  create({ kind: 'vxlan', vxlan }),
  create({ kind: 'vlan', vlan: { dev: 'e0', id: 1, protocol: '802.1Q' } }),
  create({ kind: 'macvlan', macvlan: { dev: 'e0', mode: 'bridge' } }),
  create({ kind: 'ipip', ipip: tunnel }),
  create({ kind: 'gre', gre: { ...tunnel, inputKey: null, outputKey: null } }),
  { type: 'AdoptLink', ...at, index: 1, mark: 'm' },
  { type: 'ChangeLink', ...at, change: { up: true, addrGenMode: 'none' } },
  { type: 'ChangeLink', ...at, change: { mtu: 9000, up: true } },
  { type: 'ChangeLink', ...at, change: { name: 'x1' } },
  { type: 'ChangeLink', ...at, change: { link: { kind: 'ipip', ipip: tunnel } } },
  { type: 'MoveLink', ...at, from: 'home' },
  { type: 'RemoveLink', ...at, index: 1, mark: 'm' },
  { type: 'RemoveStray', netns: '1', name: 'x0', index: 1, mark: 'm' },
  { type: 'AddAddress', ...at, address },
  { type: 'RemoveAddress', ...at, address },
  attach,
  { type: 'ReleaseSlave', ...at, slave: 'p0' },
  { type: 'SetWireGuard', ...at, change: {} },
  { type: 'SetWireGuard', ...at, change: { privateKey: 'K', listenPort: 5, fwmark: 1 } },
  { type: 'SetPeer', ...at, publicKey: 'K', change: {} },
  { type: 'SetPeer', ...at, publicKey: 'K', change: { endpoint: 'a:1', presharedKey: null } },
  { type: 'RemovePeer', ...at, publicKey: 'K' },
];
const fields =
  /interfaceName|mtu|up|addrGenMode|container|addresses|slaves|privateKey|listenPort|fwmark|peers\[K\]|the device|the link x0|ipip|gre|vlan|vxlan|macvlan|what (bridge|wireguard|veth|vrf)/;
/** Those that say all by themselves: the device is gone, or the agent lacks something. */
const clear =
  /no such link|the netns was closed|open files|no buffer space|no memory|operation not permitted|no answer|agent/;

test('of no operation does any errno reach a user bare: the message names a field or says why, and what to do', () => {
  for (const code of Object.keys(constants.errno))
    for (const operation of operations)
      for (const kernelWords of [null, 'Attribute failed policy validation', 'Invalid argument']) {
        const { message } = explained(new KernelError(code, 'do it', { kernelWords }), operation) as Error;
        expect(message, `${operation.type} ${code}`).not.toMatch(
          /do it: (E[A-Z0-9]+|invalid argument|already exists)\b/i,
        );
        expect(message, `${operation.type} ${code}`).not.toContain('policy validation');
        const [, said = '', advice = ''] = /^cannot do it: (.+) \(E[A-Z0-9]+\)(; .+)?$/.exec(message) ?? [];
        const known = clear.test(said) || (fields.test(said) && advice !== '');
        expect(known, `${operation.type} ${code}: ${message}`).toBe(true);
      }
});
