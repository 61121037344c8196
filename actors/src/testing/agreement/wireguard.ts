import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pskFingerprint } from '../../interface/kind/index.ts';
import { publicKeyOf } from '@ifactor/common/wireguardKey';
import { wireguardKey as key } from '../rules.ts';
import { addresses, printed } from './kinds.ts';
import { addressesOf, type World } from './world.ts';

/** Whether the kernel itself has WireGuard. `wg` finds no wireguard-go of ours. */
export const kernelHasWireGuard = (): boolean =>
  spawnSync('unshare', ['--net', 'ip', 'link', 'add', 'x0', 'type', 'wireguard'], { stdio: 'ignore' }).status === 0;

type Peer = { publicKey: string; psk?: Buffer; endpoint?: string; persistentKeepalive?: number; allowedIPs: string[] };
type Device = { privateKey: Buffer; listenPort: number; fwmark: number; peers: Peer[] };

const secret = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => {
  const raw = Buffer.from(bytes);
  raw[0]! &= 248;
  raw[31] = (raw[31]! & 127) | 64;
  return raw;
});
const port = fc.integer({ min: 1, max: 65535 });
const byte = fc.integer({ min: 0, max: 255 });
const endpoint = fc.oneof(
  fc.tuple(byte, port).map(([last, at]) => `192.0.2.${last}:${at}`),
  fc.tuple(byte, port).map(([last, at]) => `[2001:db8::${(last + 1).toString(16)}]:${at}`),
);
/** Networks without host bits, which no two peers share: the kernel gives each to one. */
const network = (peer: number): fc.Arbitrary<string> =>
  fc.oneof(
    byte.map((third) => `10.${peer}.${third}.0/24`),
    byte.map((third) => `10.${100 + peer}.${third}.7/32`),
    byte.map((third) => `fd00:${peer + 1}:${(third + 1).toString(16)}::/48`),
    fc
      .constantFrom(...(peer === 0 ? ['0.0.0.0/0', '::/0'] : ['172.16.0.0/12'].filter(() => peer === 1)))
      .map((text) => text ?? '10.250.0.0/16'),
  );
const peerAt = (at: number): fc.Arbitrary<Peer> =>
  fc
    .record({
      publicKey: secret.map((raw) => publicKeyOf(raw)),
      psk: fc.option(
        fc
          .uint8Array({ minLength: 32, maxLength: 32 })
          .filter((bytes) => bytes.some(Boolean))
          .map((bytes) => Buffer.from(bytes)),
        { nil: undefined },
      ),
      endpoint: fc.option(endpoint, { nil: undefined }),
      persistentKeepalive: fc.option(fc.integer({ min: 1, max: 65535 }), { nil: undefined }),
      allowedIPs: fc.uniqueArray(network(at), { maxLength: 4 }),
    })
    .map(({ psk, endpoint: to, persistentKeepalive, ...rest }) => ({
      ...rest,
      ...(psk ? { psk } : {}),
      ...(to === undefined ? {} : { endpoint: to }),
      ...(persistentKeepalive === undefined ? {} : { persistentKeepalive }),
    }));
const device: fc.Arbitrary<Device> = fc.record({
  privateKey: secret,
  listenPort: fc.integer({ min: 1024, max: 65535 }),
  fwmark: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 0xffffffff })),
  peers: fc.tuple(peerAt(0), peerAt(1)).chain((both) => fc.subarray(both)),
});

const base64 = (raw: Buffer | undefined): string => raw?.toString('base64') ?? '(none)';
/** As `wg show NAME dump` prints it, without what time changes; peers and networks in an order of ours. */
const dumped = ({ privateKey, listenPort, fwmark, peers }: Device): string[] => [
  [base64(privateKey), publicKeyOf(privateKey), listenPort, fwmark === 0 ? 'off' : `0x${fwmark.toString(16)}`].join(
    ' ',
  ),
  ...peers
    .map((peer) =>
      [
        peer.publicKey,
        base64(peer.psk),
        peer.endpoint ?? '(none)',
        peer.allowedIPs.toSorted().join(',') || '(none)',
        peer.persistentKeepalive ?? 'off',
      ].join(' '),
    )
    .toSorted(),
];
function read(dump: string): string[] {
  const [own = [], ...peers] = dump
    .trim()
    .split('\n')
    .map((line) => line.split('\t'));
  return [
    own.join(' '),
    ...peers
      .map(([publicKey, psk, to, allowed = '', , , , keepalive]) =>
        [publicKey, psk, to, allowed.split(',').toSorted().join(','), keepalive].join(' '),
      )
      .toSorted(),
  ];
}

const spec = ({ listenPort, fwmark, peers }: Device, rest: object): object => ({
  interfaceName: 'wg0',
  listenPort,
  fwmark,
  ...rest,
  peers: peers.map(({ psk, ...peer }) => ({
    ...peer,
    ...(psk ? { presharedKeySecretRef: { name: 's', key: peer.publicKey } } : {}),
  })),
});
const knowledge = ({ privateKey, peers }: Device) => ({
  secrets: {
    privateKey: publicKeyOf(privateKey),
    ...Object.fromEntries(
      peers.flatMap(({ publicKey, psk }) => (psk ? [[`psk:${publicKey}`, pskFingerprint(psk)]] : [])),
    ),
  },
});

/** As agreement.test.ts, between us and `wg`. */
export function wireguardAgreement(at: () => World, numRuns: number): void {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ift-agreement-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('on a device that we make', async () => {
    await fc.assert(
      fc.asyncProperty(device, fc.integer({ min: 1280, max: 65535 }), addresses, async (wanted, mtu, list) => {
        const secrets = Object.fromEntries([
          [publicKeyOf(wanted.privateKey), wanted.privateKey],
          ...wanted.peers.flatMap(({ psk }) => (psk ? [[pskFingerprint(psk), psk]] : [])),
        ]) as { [fingerprint: string]: Buffer };
        const declared = list.map(({ ipcidr, peerCidr }) => {
          const [local = '', own] = ipcidr.split('/');
          const [peer, length = own] = peerCidr?.split('/') ?? [];
          return {
            family: local.includes(':') ? 'inet6' : 'inet',
            local,
            ...(peer === undefined ? {} : { peer }),
            prefixlen: Number(length),
          };
        });
        const world = at();
        await world.converge(key, spec(wanted, { mtu, addresses: declared }), { known: knowledge(wanted), secrets });
        const dump = world.wg(['show', 'wg0', 'dump']);
        const link = world.shown().get('wg0')!;
        world.ip('near', ['link del wg0']);
        await world.near.barrier();
        expect(read(dump)).toEqual(dumped(wanted));
        expect(link).toMatchObject({ mtu, linkinfo: { info_kind: 'wireguard' } });
        expect(link.flags).toContain('UP');
        expect(addressesOf(link)).toEqual(list.map(printed).toSorted());
      }),
      { numRuns },
    );
  });

  test('on a device that wg makes', async () => {
    await fc.assert(
      fc.asyncProperty(device, async (made) => {
        const lines = [
          '[Interface]',
          `PrivateKey = ${base64(made.privateKey)}`,
          `ListenPort = ${made.listenPort}`,
          `FwMark = ${made.fwmark}`,
        ];
        for (const { publicKey, psk, endpoint: to, persistentKeepalive, allowedIPs } of made.peers) {
          lines.push(
            '[Peer]',
            `PublicKey = ${publicKey}`,
            ...(psk ? [`PresharedKey = ${base64(psk)}`] : []),
            ...(to === undefined ? [] : [`Endpoint = ${to}`]),
          );
          lines.push(
            ...(persistentKeepalive === undefined ? [] : [`PersistentKeepalive = ${persistentKeepalive}`]),
            ...(allowedIPs.length > 0 ? [`AllowedIPs = ${allowedIPs.join(', ')}`] : []),
          );
        }
        const world = at();
        const file = join(folder, 'wg0.conf');
        writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
        world.ip('near', ['link add wg0 type wireguard']);
        world.wg(['setconf', 'wg0', file]);
        await world.near.barrier();
        const seen = await world.near.wireguard.get('wg0');
        // And a device that is as declared differs in nothing but what marks it as ours.
        const { difference } = await world.difference(key, spec(made, { mtu: 1420, addresses: [] }), {
          ...knowledge(made),
          endpoints: Object.fromEntries(made.peers.map((peer) => [peer.publicKey, peer.endpoint ?? null])),
        });
        expect(
          difference.drift.map(({ field }) => field).filter((field) => !['alias', 'addrgenmode', 'up'].includes(field)),
        ).toEqual([]);
        world.ip('near', ['link del wg0']);
        await world.near.barrier();
        const told: Device = {
          privateKey: seen.privateKey ?? Buffer.alloc(0),
          listenPort: seen.listenPort,
          fwmark: seen.fwmark,
          peers: seen.peers.map(({ publicKey, presharedKey, endpoint: to, persistentKeepalive, allowedIPs }) => ({
            publicKey,
            allowedIPs: [...allowedIPs],
            ...(presharedKey ? { psk: presharedKey } : {}),
            ...(persistentKeepalive ? { persistentKeepalive } : {}),
            ...(to ? { endpoint: to.host.includes(':') ? `[${to.host}]:${to.port}` : `${to.host}:${to.port}` } : {}),
          })),
        };
        expect(dumped(told)).toEqual(dumped(made));
        expect(seen.publicKey).toBe(publicKeyOf(made.privateKey));
      }),
      { numRuns },
    );
  });
}
