/** WireGuard devices of the kernel in memory: configuration only, no packets. */
import { KernelError } from '../../kernel/error.ts';
import { canonicalIp, canonicalNetwork } from '@ifactor/common/ip';
import { newPeer } from '../../kernel/wireguard/codec.ts';
import { encoded } from '../../kernel/wireguard/netlink.ts';
import { keyBytes, publicKeyOf } from '@ifactor/common/wireguardKey';
import type {
  WireGuardAccess,
  WireGuardChange,
  WireGuardDevice,
  WireGuardPeerChange,
} from '../../kernel/wireguard/types.ts';
import type { World, WorldLink, WorldNetns } from './world.ts';

export class MemoryWireGuard implements WireGuardAccess {
  readonly #world: World;
  readonly #netns: WorldNetns;
  readonly #turn: (operation: string) => Promise<void>;

  constructor(world: World, netns: WorldNetns, turn: (operation: string) => Promise<void>) {
    this.#world = world;
    this.#netns = netns;
    this.#turn = turn;
  }

  async get(name: string): Promise<WireGuardDevice> {
    const device = structuredClone((await this.#device(name, `read WireGuard device ${name}`)).device);
    // A clone of a Buffer is a plain Uint8Array.
    device.privateKey &&= Buffer.from(device.privateKey);
    for (const peer of device.peers) peer.presharedKey &&= Buffer.from(peer.presharedKey);
    return device;
  }

  async set(name: string, change: WireGuardChange): Promise<void> {
    const operation = `configure WireGuard device ${name}`;
    const { entry, device } = await this.#device(name, operation);
    encoded(operation, () => apply(device, change));
    this.#world.choosePort(entry);
  }

  async #device(name: string, operation: string): Promise<{ entry: WorldLink; device: WireGuardDevice }> {
    await this.#turn(operation);
    const entry = this.#netns.named(name);
    if (!entry) throw new KernelError('ENODEV', operation);
    if (!entry.device)
      throw new KernelError('EOPNOTSUPP', operation, { meaning: `${name} is of kind ${entry.link.kind}` });
    return { entry, device: entry.device };
  }
}

function apply(device: WireGuardDevice, change: WireGuardChange): void {
  if (change.privateKey !== undefined) {
    device.privateKey = change.privateKey && clamped(change.privateKey);
    device.publicKey = device.privateKey && publicKeyOf(device.privateKey);
  }
  device.listenPort = change.listenPort ?? device.listenPort;
  device.fwmark = change.fwmark ?? device.fwmark;
  for (const peer of change.peers ?? []) applyPeer(device, peer);
}

function applyPeer(device: WireGuardDevice, change: WireGuardPeerChange): void {
  const publicKey = keyBytes(change.publicKey).toString('base64');
  let peer = device.peers.find((known) => known.publicKey === publicKey);
  if (change.remove) {
    device.peers = device.peers.filter((known) => known !== peer);
    return;
  }
  // A device does not take itself for a peer.
  if (!peer && (change.updateOnly || publicKey === device.publicKey)) return;
  if (!peer) device.peers.push((peer = newPeer(publicKey)));
  if (change.presharedKey !== undefined) peer.presharedKey = change.presharedKey && keyBytes(change.presharedKey);
  if (change.endpoint) {
    const [ip = '', zone] = change.endpoint.host.split('%');
    peer.endpoint = { host: canonicalIp(ip) + (zone === undefined ? '' : `%${zone}`), port: change.endpoint.port };
  }
  peer.persistentKeepalive = change.persistentKeepalive ?? peer.persistentKeepalive;
  if (change.replaceAllowedIPs) peer.allowedIPs = [];
  for (const network of (change.allowedIPs ?? []).map(canonicalNetwork)) {
    // A network leads to one peer.
    for (const other of device.peers) other.allowedIPs = other.allowedIPs.filter((known) => known !== network);
    peer.allowedIPs.push(network);
  }
}

/** As Curve25519 has private keys (RFC 7748), and as a device shows them. */
function clamped(key: Buffer): Buffer {
  const bytes = Buffer.from(keyBytes(key));
  bytes[0] = bytes[0]! & 248;
  bytes[31] = (bytes[31]! & 127) | 64;
  return bytes;
}
