import * as fc from 'fast-check';
import type { KindName } from '../schema/kinds.ts';
import { netlinkTypes } from '../schema/kind/index.ts';

type Case = { kind: KindName; why: string; spec: Record<string, unknown> };
/** `names`: what a refusal must mention, so that the user finds the field. */
type BadCase = Case & { names: string };

const key = 'AN6PcEmgsFECwD8Un6lKMWYrgBdCrABS9xjJY/2L0ic=';
const otherKey = 'ODYQENe33dW41bnKmQADCGBeRJbFvGrZ7g+AIB0jM2Q=';
const container = { docker: { name: 'agent1' } };
const wireguard = { node: 'lax1', interfaceName: 'wg1' };
const netlink = { node: 'lax1', interfaceName: 'if1', up: true };
const bridge = { ...netlink, type: 'bridge' };
const vxlan = { ...netlink, type: 'vxlan', vxlan: { vni: 142 } };
const veth = { ...netlink, type: 'veth', veth: {} };
const inet = { family: 'inet', local: '10.4.0.1', prefixlen: 24 };
const link = { fromNode: 'lax1', toNodes: [{ nodeName: 'lax2' }] };
const plan = { nodes: [{ nodeName: 'lax1' }, { nodeName: 'lax2' }], links: [link] };

const wg = (why: string, spec: object): Case => ({ kind: 'WireGuardInterface', why, spec: { ...wireguard, ...spec } });
const nl = (why: string, spec: object): Case => ({ kind: 'NetlinkInterface', why, spec: { ...bridge, ...spec } });
const wgp = (why: string, spec: object): Case => ({ kind: 'WireGuardNetworkPlan', why, spec: { ...plan, ...spec } });
const naming = (names: string, { kind, why, spec }: Case): BadCase => ({ kind, why, spec, names });
const vx = (why: string, settings: object): Case => nl(why, { ...vxlan, vxlan: { vni: 142, ...settings } });
const peer = (why: string, settings: object): Case => wg(why, { peers: [{ publicKey: key, ...settings }] });
const address = (why: string, settings: object): Case => wg(why, { addresses: [{ ...inet, ...settings }] });
const onLink = (why: string, settings: object): Case =>
  wgp(why, { links: [{ fromNode: 'lax1', toNodes: [{ nodeName: 'lax2', addresses: [{ ...inet, ...settings }] }] }] });

const networks = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, i) => `10.${(from + i) >> 8}.${(from + i) & 255}.0/24`);
const keyOf = (index: number): string =>
  Buffer.alloc(32, 1)
    .fill(index & 255, 0, 1)
    .fill(index >> 8, 1, 2)
    .toString('base64');

export const good: readonly Case[] = [
  wg('the least', {}),
  wg('an unknown field is pruned', { colour: 'red' }),
  wg('container ignored, even an empty one', { moveToContainer: false, container: {} }),
  nl('a netns whose name begins with dots', { container: { netns: { name: '..blue' } } }),
  wg('moved into a named netns', { moveToContainer: true, container: { netns: { name: 'blue' } } }),
  wg('mtu 0 and listenPort 0', { mtu: 0, listenPort: 0 }),
  wg('fwmark of 32 bits', { fwmark: 4294967295 }),
  wg('a name of 15 bytes', { interfaceName: 'wg-lax1-lax2-01' }),
  wg('a node name with dots', { node: 'lax1.example.net' }),
  peer('a DNS endpoint', { endpoint: 'vpn.example.net:51820' }),
  peer('an IPv6 endpoint', { endpoint: '[2001:db8::1]:51820' }),
  peer('an IPv6 endpoint with a zone', { endpoint: '[fe80::1%eth0]:1' }),
  peer('keepalive 0', { persistentKeepalive: 0, allowedIPs: ['0.0.0.0/0', '::/0'] }),
  wg('a change that proves itself', { confirm: { timeoutSeconds: 30 } }),
  nl('a change that proves itself by an address', { confirm: { timeoutSeconds: 1, probe: '2001:db8::1' } }),
  wgp('changes that prove themselves', { confirm: { timeoutSeconds: 3600, probe: '10.4.0.1' } }),
  wg('peers with as many allowedIPs as may be', {
    peers: Array.from({ length: 25 }, (_, i) => ({ publicKey: keyOf(i + 1), allowedIPs: networks(400) })),
  }),
  nl('the same IPv4 address with two lengths', { addresses: [{ ipcidr: '10.2.3.1/24' }, { ipcidr: '10.2.3.1/32' }] }),
  nl('small packets of IPv4', { mtu: 576, addresses: [{ ipcidr: '10.2.3.1/24' }] }),
  vx('another device below', { dev: 'if10' }),
  address('point to point', { peer: '10.4.0.2', prefixlen: 32 }),
  address('an IPv6 address', { family: 'inet6', local: 'fe80::1', prefixlen: 128, noPrefixRoute: true }),
  nl('a bridge without a section', {}),
  nl('a bridge with an empty section', { bridge: {} }),
  nl('a dummy', { type: 'dummy', dummy: {} }),
  nl('a point-to-point address with host bits', { addresses: [{ ipcidr: '10.99.3.1', peerCidr: '10.99.4.1/24' }] }),
  vx('port and range', { port: 4790, portRange: [1000, 1000], dev: 'eth0', group: 'ff05::100', local: '2001:db8::1' }),
  vx('a unicast group without dev', { group: '10.4.0.2' }),
  nl('an empty veth', veth),
  nl('ends of one name in two netns', { ...veth, veth: { peer: { interfaceName: 'if1', container } } }),
  nl('the older spelling of a veth', {
    ...veth,
    veth: { localPeer: {}, peerPeer: { interfaceName: 'a-long-name-15b' } },
  }),
  wgp('the least', { nodes: undefined, links: undefined }),
  wgp('toNode', { links: [{ fromNode: 'lax1', toNode: 'lax2' }] }),
  wgp('an IPv6 underlay', { nodes: [{ nodeName: 'lax1', underlay: { hostname: '2001:db8::1' } }] }),
  wgp('an empty list of far ends', { links: [{ fromNode: 'lax1', toNodes: [] }] }),
  onLink('an address of each family', { family: 'inet6', local: 'fe80::1', peer: 'fe80::2', prefixlen: 64 }),
];

/** Specs that the kernel accepts but does not keep, or always refuses: if admitted, they would be created and removed in a loop. */
const churning: readonly BadCase[] = [
  ...['0.0.0.0', '::', '0:0::0', '::0.0.0.0'].flatMap((ip) => [
    naming('group must not be', vx(`group ${ip}`, { group: ip })),
    naming('local must not be', vx(`local ${ip}`, { local: ip })),
  ]),
  naming('remote must not be', nl('a far end of 0.0.0.0', { type: 'ipip', ipip: { remote: '0.0.0.0' } })),
  naming(
    'local must not be',
    nl('a near end of 0.0.0.0', { type: 'gre', gre: { remote: '10.0.0.1', local: '0.0.0.0' } }),
  ),
  naming('vxlan.dev must not name', vx('a vxlan over itself', { dev: 'if1' })),
  naming(
    'ipip.dev must not name',
    nl('a tunnel over itself', { type: 'ipip', ipip: { remote: '10.0.0.1', dev: 'if1' } }),
  ),
  ...['0.0.0.0/8', '0.1.2.3/32', '::/64', 'ff02::1/64'].map((ipcidr) =>
    naming('ipcidr must be an address', nl(`the address ${ipcidr}`, { addresses: [{ ipcidr }] })),
  ),
  naming(
    'peerCidr must be an address',
    nl('a peer of 0.0.0.0', { addresses: [{ ipcidr: '10.0.0.1', peerCidr: '0.0.0.0/32' }] }),
  ),
  naming('local must be an address', address('the address 0.0.0.1', { local: '0.0.0.1' })),
  naming('local must be an address', address('the address ::', { family: 'inet6', local: '::' })),
  naming('peer must be an address', address('a peer of 0.0.0.0', { peer: '0.0.0.0' })),
  naming(
    'addresses must not list the same IPv6 address twice',
    nl('an IPv6 address with two lengths', {
      addresses: [{ ipcidr: '2001:db8::1/64' }, { ipcidr: '2001:DB8::1/128' }],
    }),
  ),
  naming(
    'addresses must not list the same IPv6 address twice',
    nl('one at the end of a veth', {
      ...veth,
      veth: { peer: { addresses: [{ ipcidr: 'fe80::1/64' }, { ipcidr: 'fe80::1', peerCidr: 'fe80::2/64' }] } },
    }),
  ),
  naming(
    'addresses must not list the same IPv6 address twice',
    wg('an IPv6 address with two lengths', {
      addresses: [64, 128].map((prefixlen) => ({ family: 'inet6', local: '2001:db8::1', prefixlen })),
    }),
  ),
  naming('publicKey must not be all zeros', peer('a public key of zeros', { publicKey: `${'A'.repeat(43)}=` })),
  naming('must not be all zeros', wg('a private key of zeros', { privateKey: `${'A'.repeat(43)}=` })),
  naming(
    'mtu must be at least 1280',
    nl('IPv6 in small packets', { mtu: 1279, addresses: [{ ipcidr: 'fe80::1/64' }] }),
  ),
  naming(
    'mtu must be at least 1280',
    wg('IPv6 in small packets', { mtu: 1279, addresses: [{ family: 'inet6', local: 'fe80::1', prefixlen: 64 }] }),
  ),
];

/** More than one object can contain. */
const big: readonly BadCase[] = [
  naming(
    'peers must have at most 10000 allowedIPs in all',
    wg('allowedIPs of many peers', {
      peers: Array.from({ length: 26 }, (_, i) => ({
        publicKey: keyOf(i + 1),
        allowedIPs: networks(i < 25 ? 400 : 1),
      })),
    }),
  ),
  naming(
    'links must have at most 2500 far ends in all',
    wgp('far ends of many links', {
      links: Array.from({ length: 10 }, (_, from) => ({
        fromNode: `from${from}`,
        toNodes: Array.from({ length: from < 9 ? 256 : 197 }, (_none, to) => ({ nodeName: `to${to}` })),
      })),
    }),
  ),
];

export const bad: readonly BadCase[] = [
  ...churning,
  ...big,
  naming('node', wg('no node', { node: undefined })),
  naming('node', wg('an empty node', { node: '' })),
  naming('node', wg('a node with capitals', { node: 'LAX1' })),
  naming('node', wg('a node with a wildcard', { node: '*' })),
  naming('interfaceName', wg('no interfaceName', { interfaceName: undefined })),
  naming('interfaceName', wg('an empty name', { interfaceName: '' })),
  naming('interfaceName', wg('a name of 16 bytes', { interfaceName: 'wg-lax1-lax2-012' })),
  naming('15 bytes', wg('a name of 8 characters and 16 bytes', { interfaceName: 'ääääääää' })),
  naming('interfaceName', wg('a slash', { interfaceName: 'wg/1' })),
  naming('interfaceName', wg('a space', { interfaceName: 'wg 1' })),
  naming('interfaceName', wg('a tab', { interfaceName: 'wg\t1' })),
  naming('interfaceName', wg('a line end', { interfaceName: 'wg1\n' })),
  naming('interfaceName', wg('a no-break space', { interfaceName: 'wg\u00a01' })),
  naming('interfaceName', wg('a dot', { interfaceName: '.' })),
  naming('interfaceName', wg('two dots', { interfaceName: '..' })),
  naming('interfaceName', wg('a template', { interfaceName: 'wg%d' })),
  naming('container is required', wg('moveToContainer without a container', { moveToContainer: true })),
  naming('container is required', wg('an empty container', { moveToContainer: true, container: {} })),
  naming('container is required', wg('an empty netns', { moveToContainer: true, container: { netns: {} } })),
  naming('name', wg('a netns name with a slash', { moveToContainer: true, container: { netns: { name: '../1' } } })),
  naming('name', nl('a netns name that is a folder', { container: { netns: { name: '..' } } })),
  naming('name', nl('a netns name with a line break', { container: { netns: { name: 'a\n' } } })),
  naming('pid', wg('pid 0', { moveToContainer: true, container: { netns: { pid: 0 } } })),
  naming('moveToContainer', wg('a boolean as text', { moveToContainer: 'true' })),
  naming('listenPort', wg('a port too high', { listenPort: 65536 })),
  naming('listenPort', wg('a negative port', { listenPort: -1 })),
  naming('listenPort', wg('half a port', { listenPort: 1.5 })),
  naming('mtu', wg('an mtu too small', { mtu: 67 })),
  naming('mtu', wg('an mtu too big', { mtu: 65536 })),
  naming('fwmark', wg('a fwmark of 33 bits', { fwmark: 4294967296 })),
  naming('timeoutSeconds', wg('a confirmation without a time', { confirm: {} })),
  naming('timeoutSeconds', nl('no time to confirm', { confirm: { timeoutSeconds: 0 } })),
  naming('timeoutSeconds', wgp('more than an hour to confirm', { confirm: { timeoutSeconds: 3601 } })),
  naming('confirm.probe', nl('a probe by name', { confirm: { timeoutSeconds: 5, probe: 'gateway' } })),
  naming('confirm.probe', wg('a probe with a length', { confirm: { timeoutSeconds: 5, probe: '10.0.0.1/24' } })),
  naming('privateKey', wg('a short private key', { privateKey: 'AAAA' })),
  naming('privateKeySecretRef', wg('a secret without a key', { privateKeySecretRef: { name: 'wg1' } })),
  naming('publicKey', peer('no public key', { publicKey: undefined })),
  naming('publicKey', peer('a key of 31 bytes', { publicKey: `${'A'.repeat(42)}==` })),
  naming('publicKey', peer('a key in hex', { publicKey: 'ab'.repeat(22) })),
  naming('publicKey', peer('a key in another spelling', { publicKey: `${'A'.repeat(42)}B=` })),
  naming('peers', wg('a peer twice', { peers: [{ publicKey: key }, { publicKey: otherKey }, { publicKey: key }] })),
  naming('endpoint', peer('no port', { endpoint: 'vpn.example.net' })),
  naming('endpoint', peer('port 0', { endpoint: 'vpn.example.net:0' })),
  naming('endpoint', peer('port 65536', { endpoint: '192.0.2.1:65536' })),
  naming('endpoint', peer('IPv6 without brackets', { endpoint: '2001:db8::1:51820' })),
  naming('endpoint', peer('no IPv6 in the brackets', { endpoint: '[2001:db8]:51820' })),
  naming('endpoint', peer('no IPv4', { endpoint: '256.0.2.1:51820' })),
  naming('endpoint', peer('nothing', { endpoint: '' })),
  naming('allowedIPs', peer('a bare address', { allowedIPs: ['10.4.0.1'] })),
  naming('allowedIPs', peer('a length of 33', { allowedIPs: ['10.4.0.0/33'] })),
  naming('allowedIPs', peer('a length of 129', { allowedIPs: ['::/129'] })),
  naming('persistentKeepalive', peer('a keepalive of 65536', { persistentKeepalive: 65536 })),
  naming('family', address('no family', { family: undefined })),
  naming('family', address('an unknown family', { family: 'ipv4' })),
  naming('local', address('no local', { local: undefined })),
  naming('local', address('a length in local', { local: '10.4.0.1/24' })),
  naming('local', address('the other family', { family: 'inet6' })),
  naming('peer', address('a peer of the other family', { peer: 'fe80::1' })),
  naming('peer', address('an empty peer', { peer: '' })),
  naming('prefixlen', address('prefixlen 0', { prefixlen: 0 })),
  naming('prefixlen', address('prefixlen 33 for IPv4', { prefixlen: 33 })),
  naming('prefixlen', address('prefixlen 129', { family: 'inet6', local: 'fe80::1', prefixlen: 129 })),
  naming('addresses', wg('one address for a list', { addresses: inet })),
  naming('type', nl('no type', { type: undefined })),
  naming('type', nl('an unknown type', { type: 'token-ring' })),
  naming('up', nl('no up', { up: undefined })),
  naming('mtu', nl('mtu 0', { mtu: 0 })),
  naming('container', nl('an empty container', { container: {} })),
  naming('path', nl('an empty path', { container: { netns: { path: '' } } })),
  naming('ipcidr', nl('an address without a length', { addresses: [{ ipcidr: '10.2.3.0' }] })),
  naming('ipcidr', nl('a length of 0', { addresses: [{ ipcidr: '10.2.3.0/0' }] })),
  naming(
    'ipcidr',
    nl('a length beside peerCidr', { addresses: [{ ipcidr: '10.99.3.1/32', peerCidr: '10.99.4.1/32' }] }),
  ),
  naming('peerCidr', nl('a peer without a length', { addresses: [{ ipcidr: '10.99.3.1', peerCidr: '10.99.4.1' }] })),
  naming('peerCidr', nl('two families', { addresses: [{ ipcidr: '10.99.3.1', peerCidr: 'fe80::1/64' }] })),
  naming('vxlan is required', nl('a vxlan without a section', { type: 'vxlan' })),
  naming('veth is required', nl('a veth without a section', { type: 'veth' })),
  naming('vxlan is required when', nl('a bridge with a vxlan section', { vxlan: { vni: 1 } })),
  naming('bridge is only for', nl('a vxlan with a bridge section', { ...vxlan, bridge: {} })),
  naming('slaves', nl('a bridge that is its own slave', { bridge: { slaves: ['if1'] } })),
  naming('slaves', nl('a slave that is no name', { bridge: { slaves: ['a/b'] } })),
  naming('vni', vx('no vni', { vni: undefined })),
  naming('vni', vx('vni 0', { vni: 0 })),
  naming('vni', vx('a vni of 25 bits', { vni: 16777216 })),
  naming('port', vx('port 0', { port: 0 })),
  naming('portRange', vx('a range upside down', { portRange: [2, 1] })),
  naming('portRange', vx('a range of one', { portRange: [1] })),
  naming('portRange', vx('a range of three', { portRange: [1, 2, 3] })),
  naming('ttl', vx('a ttl of 256', { ttl: 256 })),
  naming('tos', vx('a negative tos', { tos: -1 })),
  naming('local and group', vx('two families', { local: '10.4.0.1', group: 'fe80::1' })),
  naming('dev is required', vx('multicast without dev', { group: '239.1.1.1' })),
  naming('group', vx('no address', { group: 'all' })),
  naming('vlan is required', nl('a vlan without a section', { type: 'vlan' })),
  naming('dev', nl('a vlan of nothing', { type: 'vlan', vlan: { id: 5 } })),
  naming('id', nl('VLAN 0', { type: 'vlan', vlan: { dev: 'eth0', id: 0 } })),
  naming('id', nl('VLAN 4095', { type: 'vlan', vlan: { dev: 'eth0', id: 4095 } })),
  naming('protocol', nl('an unknown tag', { type: 'vlan', vlan: { dev: 'eth0', id: 5, protocol: '802.1x' } })),
  naming('vlan.dev', nl('a vlan of itself', { type: 'vlan', vlan: { dev: 'if1', id: 5 } })),
  naming('mode', nl('an unknown mode', { type: 'macvlan', macvlan: { dev: 'eth0', mode: 'source' } })),
  naming('macvlan.dev', nl('a macvlan of itself', { type: 'macvlan', macvlan: { dev: 'if1' } })),
  naming('table', nl('table 0', { type: 'vrf', vrf: { table: 0 } })),
  naming('table', nl('a table of 33 bits', { type: 'vrf', vrf: { table: 4294967296 } })),
  naming('vrf.slaves', nl('a vrf that is its own slave', { type: 'vrf', vrf: { table: 10, slaves: ['if1'] } })),
  naming('remote', nl('a tunnel to nowhere', { type: 'ipip', ipip: {} })),
  naming('remote', nl('a tunnel to an IPv6 address', { type: 'ipip', ipip: { remote: 'fe80::1' } })),
  naming('local', nl('a tunnel from a name', { type: 'gre', gre: { remote: '10.4.0.2', local: 'lax1' } })),
  naming('key', nl('a key of 33 bits', { type: 'gre', gre: { remote: '10.4.0.2', key: 4294967296 } })),
  naming('gre is required when', nl('a bridge with a gre section', { gre: { remote: '10.4.0.2' } })),
  naming(
    'peer.interfaceName is required',
    nl('a default peer name too long', { ...veth, interfaceName: 'if-eleven-b' }),
  ),
  naming('different names', nl('ends of one name', { ...veth, veth: { peer: { interfaceName: 'if1' } } })),
  naming('localPeer', nl('both spellings of local', { ...veth, veth: { local: {}, localPeer: {} } })),
  naming('peerPeer', nl('both spellings of peer', { ...veth, veth: { peer: {}, peerPeer: {} } })),
  naming('nodeName', wgp('a node without a name', { nodes: [{}] })),
  naming('nodes', wgp('a node twice', { nodes: [{ nodeName: 'lax1' }, { nodeName: 'lax1' }] })),
  naming(
    'hostname',
    wgp('a port in the hostname', { nodes: [{ nodeName: 'lax1', underlay: { hostname: 'lax1:51820' } }] }),
  ),
  naming('hostname', wgp('brackets', { nodes: [{ nodeName: 'lax1', underlay: { hostname: '[2001:db8::1]' } }] })),
  naming(
    'container is required',
    wgp('a node without container', { nodes: [{ nodeName: 'lax1', moveToContainer: true }] }),
  ),
  naming('start', wgp('a range upside down', { defaultPortRange: { start: 2, end: 1 } })),
  naming('end', wgp('half a range', { defaultPortRange: { start: 2 } })),
  naming('toNodes', wgp('a link to nowhere', { links: [{ fromNode: 'lax1' }] })),
  naming('fromNode', wgp('a link from nowhere', { links: [{ toNode: 'lax1' }] })),
  naming(
    'toNodes',
    wgp('a far end twice', { links: [{ fromNode: 'a', toNodes: [{ nodeName: 'b' }, { nodeName: 'b' }] }] }),
  ),
  naming('nodeName', wgp('a bad far end', { links: [{ fromNode: 'a', toNodes: [{ nodeName: 'B' }] }] })),
  naming('local', onLink('the other family', { local: 'fe80::1' })),
  naming('peer', onLink('a peer of the other family', { peer: 'fe80::1' })),
  naming('prefixlen', onLink('prefixlen 33 for IPv4', { prefixlen: 33 })),
  naming('local', onLink('no address', { local: 'lax1' })),
];

const maybe = <T>(...values: T[]) => fc.option(fc.constantFrom(...values), { nil: undefined, freq: 3 });
const some = <T>(item: fc.Arbitrary<T>) => fc.option(fc.array(item, { maxLength: 2 }), { nil: undefined });
const ips = maybe('10.0.0.1', '10.0.0.2', '10.0.0.3', 'fe80::1', '10.0.0.1/8');
const where = maybe<unknown>(container, container, container, { netns: { pid: 1 } }, {});
const yes = maybe<unknown>(true, false, false, 'no');
const ifname = maybe('a', 'b', 'c', 'd', 'a-longer-name', 'a/b');
const addresses = some(
  fc.record({
    family: maybe('inet', 'inet', 'inet6'),
    local: ips,
    peer: ips,
    prefixlen: maybe(1, 24, 32, 33, 0),
    noPrefixRoute: yes,
  }),
);
const cidrs = some(
  fc.oneof(
    fc.record({ ipcidr: fc.constantFrom('10.0.0.1/8', 'fe80::1/64') }),
    fc.record({ ipcidr: fc.constantFrom('10.0.0.1', '10.0.0.3'), peerCidr: fc.constant('10.0.0.2/8') }),
    fc.record({
      ipcidr: maybe('10.0.0.1/8', '10.0.0.1', 'fe80::1/64'),
      peerCidr: maybe('10.0.0.2/8', 'fe80::2/64', 'x'),
    }),
  ),
);
const tunnels = fc.record({ remote: ips, local: ips, dev: ifname, ttl: maybe(0, 64, 256), tos: maybe(0, 255, -1) });
const end = fc.option(fc.record({ interfaceName: ifname, addresses: cidrs, container: where }), { nil: undefined });
const older = fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, end);
const nodes = maybe('lax1', 'lax1', 'lax2', 'Lax');
const range = fc.option(fc.record({ start: maybe(1, 2), end: maybe(1, 2) }), { nil: undefined });

/** Specs in which legal values outnumber illegal ones, so that rules between fields are reached. */
export const legal: Readonly<Record<KindName, fc.Arbitrary<unknown>>> = {
  WireGuardInterface: fc.record({
    node: fc.constant('lax1'),
    interfaceName: fc.constantFrom('wg1', 'wg1', '..'),
    moveToContainer: yes,
    container: where,
    addresses,
    mtu: maybe(0, 1420, 9),
    peers: some(
      fc.record({
        publicKey: fc.constantFrom(key, otherKey),
        endpoint: maybe('a:1', '[::1]:1', '[::1]', 'a'),
        allowedIPs: some(fc.constantFrom('10.0.0.0/8', '::/0', '::')),
      }),
    ),
  }),
  NetlinkInterface: fc.constantFrom(...netlinkTypes).chain((type) => {
    // A section belongs to its type, but sometimes is generated for another.
    const section = (of: string, value: fc.Arbitrary<unknown>) =>
      fc.oneof(
        { weight: 1, arbitrary: of === type ? fc.constant(undefined) : value },
        { weight: 20, arbitrary: of === type ? value : fc.constant(undefined) },
      );
    return fc.record({
      node: fc.constant('lax1'),
      interfaceName: fc.constantFrom('a', 'b', 'a-longer-name'),
      type: fc.constant(type),
      up: fc.boolean(),
      addresses: cidrs,
      container: where,
      dummy: section('dummy', fc.constant({})),
      bridge: section('bridge', fc.record({ slaves: maybe(['a'], ['b'], [], ['']) })),
      vxlan: section(
        'vxlan',
        fc.record({
          vni: fc.constantFrom(1, 2, 0),
          dev: ifname,
          local: ips,
          group: maybe('239.0.0.1', '10.0.0.2', 'ff02::1'),
        }),
      ),
      vlan: section(
        'vlan',
        fc.record({ dev: ifname, id: fc.constantFrom(1, 4094, 4095), protocol: maybe('802.1Q', '802.1ad', '802.1x') }),
      ),
      macvlan: section('macvlan', fc.record({ dev: ifname, mode: maybe('private', 'passthru', 'source') })),
      vrf: section(
        'vrf',
        fc.record({ table: fc.constantFrom(1, 4294967295, 0), slaves: maybe(['a'], ['b'], [], ['']) }),
      ),
      ipip: section('ipip', tunnels),
      gre: section(
        'gre',
        fc.tuple(tunnels, maybe(0, 4294967295, -1)).map(([shared, number]) => ({ ...shared, key: number })),
      ),
      veth: section('veth', fc.record({ local: end, peer: end, localPeer: older, peerPeer: older })),
    });
  }),
  WireGuardNetworkPlan: fc.record({
    defaultPortRange: range,
    nodes: some(
      fc.record({
        nodeName: nodes,
        moveToContainer: yes,
        container: where,
        addresses,
        underlay: maybe<unknown>({ hostname: 'a' }, { hostname: '::1' }, { hostname: '::g' }, {}),
      }),
    ),
    links: some(
      fc.record({ fromNode: nodes, toNode: nodes, toNodes: some(fc.record({ nodeName: nodes, addresses })) }),
    ),
  }),
};
