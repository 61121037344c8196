/** WireGuard's generic netlink family: WGDEVICE_A_*, WGPEER_A_* and WGALLOWEDIP_A_* of linux/wireguard.h. */
import { AF_INET, AF_INET6, canonicalNetwork, formatIp, ipBytes } from '@ifactor/common/ip';
import type { WireGuardChange, WireGuardDevice, KernelPeer, WireGuardPeerChange } from './types.ts';
import type { SocketAddress } from '@ifactor/common/ip';
import { keyBytes } from '@ifactor/common/wireguardKey';
import { attributes, MessageWriter, NLM_F_ACK, NLM_F_DUMP, type Message } from '../wire/attribute.ts';

const WG_CMD_GET_DEVICE = 0;
const WG_CMD_SET_DEVICE = 1;
const WG_GENL_VERSION = 1;

const DEVICE_IFNAME = 2;
const DEVICE_PRIVATE_KEY = 3;
const DEVICE_PUBLIC_KEY = 4;
const DEVICE_LISTEN_PORT = 6;
const DEVICE_FWMARK = 7;
const DEVICE_PEERS = 8;

const PEER_PUBLIC_KEY = 1;
const PEER_PRESHARED_KEY = 2;
const PEER_FLAGS = 3;
const PEER_ENDPOINT = 4;
const PEER_KEEPALIVE = 5;
const PEER_LAST_HANDSHAKE = 6;
const PEER_RX = 7;
const PEER_TX = 8;
const PEER_ALLOWEDIPS = 9;

const WGPEER_F_REMOVE_ME = 1;
const WGPEER_F_REPLACE_ALLOWEDIPS = 2;
const WGPEER_F_UPDATE_ONLY = 4;

const IP_FAMILY = 1;
const IP_ADDRESS = 2;
const IP_MASK = 3;

/** The list of peers is one attribute, whose length is 16 bits. */
const messageLimit = 32 << 10;
const allowedIpsAtOnce = 256;
const genlHeaderLength = 4;

export function encodeGetDevice(family: number, name: string): Buffer {
  return new MessageWriter(family, NLM_F_DUMP, 64)
    .raw([WG_CMD_GET_DEVICE, WG_GENL_VERSION, 0, 0])
    .text(DEVICE_IFNAME, name)
    .finish();
}

/**
 * One or more messages, to be sent in order. Peers are never replaced as a whole.
 * @param scope index of a device that an endpoint's zone names. @throws RangeError on what is no key, address or port
 */
export function encodeSetDevice(
  family: number,
  name: string,
  change: WireGuardChange,
  scope: (name: string) => number | undefined = () => undefined,
): Buffer[] {
  const start = (): MessageWriter =>
    new MessageWriter(family, NLM_F_ACK, 1024)
      .raw([WG_CMD_SET_DEVICE, WG_GENL_VERSION, 0, 0])
      .text(DEVICE_IFNAME, name);
  let writer = start();
  if (change.privateKey !== undefined) writer.bytes(DEVICE_PRIVATE_KEY, keyBytes(change.privateKey));
  if (change.listenPort !== undefined) writer.u16(DEVICE_LISTEN_PORT, change.listenPort);
  if (change.fwmark !== undefined) writer.u32(DEVICE_FWMARK, change.fwmark);
  const out: Buffer[] = [];
  const rest = (change.peers ?? []).flatMap(portions);
  while (rest.length > 0) {
    writer.nest(DEVICE_PEERS, (peers) => {
      while (rest.length > 0 && peers.length < messageLimit)
        peers.nest(0, (peer) => writePeer(peer, rest.shift()!, scope));
    });
    if (rest.length === 0) break;
    out.push(writer.finish());
    writer = start();
  }
  return [...out, writer.finish()];
}

/** A peer with very many networks is sent in portions; those after the first only add networks, and only to an existing peer. */
function portions(peer: WireGuardPeerChange): WireGuardPeerChange[] {
  const allowedIPs = peer.allowedIPs ?? [];
  if (allowedIPs.length <= allowedIpsAtOnce) return [peer];
  const out = [{ ...peer, allowedIPs: allowedIPs.slice(0, allowedIpsAtOnce) }];
  for (let at = allowedIpsAtOnce; at < allowedIPs.length; at += allowedIpsAtOnce) {
    out.push({ publicKey: peer.publicKey, updateOnly: true, allowedIPs: allowedIPs.slice(at, at + allowedIpsAtOnce) });
  }
  return out;
}

function writePeer(
  writer: MessageWriter,
  peer: WireGuardPeerChange,
  scope: (name: string) => number | undefined,
): void {
  writer.bytes(PEER_PUBLIC_KEY, keyBytes(peer.publicKey));
  const flags =
    (peer.remove ? WGPEER_F_REMOVE_ME : 0) |
    (peer.replaceAllowedIPs ? WGPEER_F_REPLACE_ALLOWEDIPS : 0) |
    (peer.updateOnly ? WGPEER_F_UPDATE_ONLY : 0);
  if (flags) writer.u32(PEER_FLAGS, flags);
  if (peer.presharedKey !== undefined) writer.bytes(PEER_PRESHARED_KEY, keyBytes(peer.presharedKey));
  if (peer.endpoint) writer.bytes(PEER_ENDPOINT, encodeEndpoint(peer.endpoint, scope));
  if (peer.persistentKeepalive !== undefined) writer.u16(PEER_KEEPALIVE, peer.persistentKeepalive);
  if (!peer.allowedIPs?.length) return;
  writer.nest(PEER_ALLOWEDIPS, (list) => {
    for (const network of peer.allowedIPs!) list.nest(0, (item) => writeAllowedIp(item, network));
  });
}

function writeAllowedIp(writer: MessageWriter, network: string): void {
  const [ip = '', length] = canonicalNetwork(network).split('/');
  const bytes = ipBytes(ip);
  writer
    .u16(IP_FAMILY, bytes.length === 4 ? AF_INET : AF_INET6)
    .bytes(IP_ADDRESS, bytes)
    .u8(IP_MASK, Number(length));
}

/** struct sockaddr_in or sockaddr_in6. */
function encodeEndpoint({ host, port }: SocketAddress, scope: (name: string) => number | undefined): Buffer {
  const [ip = '', zone] = host.split('%');
  const bytes = ipBytes(ip);
  const socket = Buffer.alloc(bytes.length === 4 ? 16 : 28);
  socket.writeUInt16LE(bytes.length === 4 ? AF_INET : AF_INET6, 0);
  socket.writeUInt16BE(port, 2);
  socket.set(bytes, bytes.length === 4 ? 4 : 8);
  if (zone !== undefined) {
    const index = /^\d+$/.test(zone) ? Number(zone) : scope(zone);
    if (index === undefined) throw new RangeError(`no device ${JSON.stringify(zone)} for endpoint ${host}`);
    socket.writeUInt32LE(index, 24);
  }
  return socket;
}

function decodeEndpoint(socket: Buffer): SocketAddress | null {
  const port = socket.readUInt16BE(2);
  if (socket.readUInt16LE(0) === AF_INET) return { host: formatIp(socket.subarray(4, 8)), port };
  if (socket.readUInt16LE(0) !== AF_INET6) return null;
  const zone = socket.readUInt32LE(24);
  return { host: formatIp(socket.subarray(8, 24)) + (zone ? `%${zone}` : ''), port };
}

export function newDevice(): WireGuardDevice {
  return { privateKey: null, publicKey: null, listenPort: 0, fwmark: 0, peers: [] };
}

export function newPeer(publicKey: string): KernelPeer {
  return {
    publicKey,
    presharedKey: null,
    endpoint: null,
    persistentKeepalive: 0,
    lastHandshakeTime: null,
    rxBytes: 0,
    txBytes: 0,
    allowedIPs: [],
  };
}

/** Folds one message of a dump into `device`. A peer that did not fit into one message goes on in the next under its key. */
export function decodeDevice(device: WireGuardDevice, { payload }: Pick<Message, 'payload'>): void {
  attributes(payload, genlHeaderLength, (type, value) => {
    switch (type) {
      case DEVICE_PRIVATE_KEY:
        device.privateKey = secret(value);
        break;
      case DEVICE_PUBLIC_KEY:
        device.publicKey = isZero(value) ? null : value.toString('base64');
        break;
      case DEVICE_LISTEN_PORT:
        device.listenPort = value.readUInt16LE();
        break;
      case DEVICE_FWMARK:
        device.fwmark = value.readUInt32LE();
        break;
      case DEVICE_PEERS:
        attributes(value, 0, (_, peer) => decodePeer(device, peer));
        break;
      default:
        break;
    }
  });
}

function decodePeer(device: WireGuardDevice, data: Buffer): void {
  let peer = newPeer('');
  attributes(data, 0, (type, value) => {
    switch (type) {
      case PEER_PUBLIC_KEY:
        peer.publicKey = value.toString('base64');
        break;
      case PEER_PRESHARED_KEY:
        peer.presharedKey = secret(value);
        break;
      case PEER_ENDPOINT:
        peer.endpoint = decodeEndpoint(value);
        break;
      case PEER_KEEPALIVE:
        peer.persistentKeepalive = value.readUInt16LE();
        break;
      case PEER_LAST_HANDSHAKE:
        peer.lastHandshakeTime = milliseconds(value.readBigInt64LE(0), value.readBigInt64LE(8));
        break;
      case PEER_RX:
        peer.rxBytes = Number(value.readBigUInt64LE());
        break;
      case PEER_TX:
        peer.txBytes = Number(value.readBigUInt64LE());
        break;
      case PEER_ALLOWEDIPS:
        attributes(value, 0, (_, item) => peer.allowedIPs.push(decodeAllowedIp(item)));
        break;
      default:
        break;
    }
  });
  const last = device.peers.at(-1);
  if (last?.publicKey === peer.publicKey) last.allowedIPs.push(...peer.allowedIPs);
  else device.peers.push(peer);
}

function decodeAllowedIp(data: Buffer): string {
  let ip = '';
  let length = 0;
  attributes(data, 0, (type, value) => {
    if (type === IP_ADDRESS) ip = formatIp(value);
    if (type === IP_MASK) length = value.readUInt8();
  });
  return `${ip}/${length}`;
}

function milliseconds(seconds: bigint, nanoseconds: bigint): number | null {
  return seconds === 0n && nanoseconds === 0n ? null : Number(seconds) * 1000 + Math.floor(Number(nanoseconds) / 1e6);
}

/** A copy, so that the receive buffer can go. */
function secret(value: Buffer): Buffer | null {
  return isZero(value) ? null : Buffer.from(value);
}

function isZero(value: Buffer): boolean {
  return value.every((byte) => byte === 0);
}
