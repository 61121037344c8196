/** The text protocol that wireguard-go and `wg` speak over a unix socket ("cross-platform userspace implementation" of wireguard.com). */
import { closeSync, constants, openSync } from 'node:fs';
import { createConnection } from 'node:net';
import { basename, dirname } from 'node:path';
import { errnoName } from '../socket/errno.ts';
import { isKernelError, KernelError } from '../error.ts';
import { sleep, systemClock } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import { canonicalIp, canonicalNetwork } from '@ifactor/common/ip';
import { newDevice, newPeer } from './codec.ts';
import { encoded } from './netlink.ts';
import { keyBytes, publicKeyOf } from '@ifactor/common/wireguardKey';
import type { WireGuardChange, WireGuardDevice } from './types.ts';
import type { SocketAddress } from '@ifactor/common/ip';

const answerTimeoutMs = 10_000;
const refusedRetryMs = 5;
const noKey = '0'.repeat(64);

export async function uapiGet(socket: string, name: string): Promise<WireGuardDevice> {
  return decodeUapi(await talk(socket, 'get=1\n\n', `read WireGuard device ${name}`));
}

export async function uapiSet(socket: string, name: string, change: WireGuardChange): Promise<void> {
  const operation = `configure WireGuard device ${name}`;
  await talk(
    socket,
    encoded(operation, () => encodeUapi(change)),
    operation,
  );
}

/** A `set` request. Contains secrets. @throws RangeError on what is no key, address or port */
export function encodeUapi(change: WireGuardChange): string {
  const lines = ['set=1'];
  if (change.privateKey !== undefined) lines.push(`private_key=${keyHex(change.privateKey)}`);
  if (change.listenPort !== undefined) lines.push(`listen_port=${change.listenPort}`);
  if (change.fwmark !== undefined) lines.push(`fwmark=${change.fwmark}`);
  for (const peer of change.peers ?? []) {
    lines.push(`public_key=${keyHex(peer.publicKey)}`);
    if (peer.remove) lines.push('remove=true');
    if (peer.updateOnly) lines.push('update_only=true');
    if (peer.presharedKey !== undefined) lines.push(`preshared_key=${keyHex(peer.presharedKey)}`);
    if (peer.endpoint) lines.push(`endpoint=${endpointText(peer.endpoint)}`);
    if (peer.persistentKeepalive !== undefined) lines.push(`persistent_keepalive_interval=${peer.persistentKeepalive}`);
    if (peer.replaceAllowedIPs) lines.push('replace_allowed_ips=true');
    for (const network of peer.allowedIPs ?? []) lines.push(`allowed_ip=${canonicalNetwork(network)}`);
  }
  return `${lines.join('\n')}\n\n`;
}

/** Of the answer to `get`. */
export function decodeUapi(answer: string): WireGuardDevice {
  const device = newDevice();
  let seconds = 0;
  for (const line of answer.split('\n')) {
    const at = line.indexOf('=');
    const value = line.slice(at + 1);
    const peer = device.peers.at(-1);
    switch (line.slice(0, at)) {
      case 'private_key':
        device.privateKey = keyOf(value);
        break;
      case 'listen_port':
        device.listenPort = Number(value);
        break;
      case 'fwmark':
        device.fwmark = Number(value);
        break;
      case 'public_key':
        device.peers.push(newPeer(Buffer.from(value, 'hex').toString('base64')));
        break;
      case 'preshared_key':
        if (peer) peer.presharedKey = keyOf(value);
        break;
      case 'endpoint':
        if (peer) peer.endpoint = parseEndpoint(value);
        break;
      case 'persistent_keepalive_interval':
        if (peer) peer.persistentKeepalive = Number(value);
        break;
      case 'last_handshake_time_sec':
        seconds = Number(value);
        break;
      case 'last_handshake_time_nsec':
        if (peer && (seconds || Number(value)))
          peer.lastHandshakeTime = seconds * 1000 + Math.floor(Number(value) / 1e6);
        break;
      case 'rx_bytes':
        if (peer) peer.rxBytes = Number(value);
        break;
      case 'tx_bytes':
        if (peer) peer.txBytes = Number(value);
        break;
      case 'allowed_ip':
        peer?.allowedIPs.push(canonicalNetwork(value));
        break;
      default:
        break;
    }
  }
  if (device.privateKey) device.publicKey = publicKeyOf(device.privateKey);
  return device;
}

function keyHex(key: Buffer | string | null): string {
  return keyBytes(key).toString('hex');
}

function keyOf(hex: string): Buffer | null {
  return hex === noKey || hex === '' ? null : Buffer.from(hex, 'hex');
}

function endpointText({ host, port }: SocketAddress): string {
  const [ip = '', zone] = host.split('%');
  const canonical = canonicalIp(ip) + (zone === undefined ? '' : `%${zone}`);
  return canonical.includes(':') ? `[${canonical}]:${port}` : `${canonical}:${port}`;
}

function parseEndpoint(value: string): SocketAddress | null {
  const parts = /^\[?([^\]]+?)\]?:(\d+)$/.exec(value);
  if (!parts) return null;
  const [ip = '', zone] = parts[1]!.split('%');
  return { host: canonicalIp(ip) + (zone === undefined ? '' : `%${zone}`), port: Number(parts[2]) };
}

/** Between binding its socket and listening on it, a process refuses connections; no event marks the end of that, so poll. */
export async function uapiReady(socket: string, name: string, tries = 100, clock: Clock = systemClock): Promise<void> {
  try {
    await uapiGet(socket, name);
  } catch (error) {
    const refused =
      isKernelError(error) &&
      error.cause instanceof Error &&
      'code' in error.cause &&
      error.cause.code === 'ECONNREFUSED';
    if (!refused || tries === 0) throw error;
    await sleep(clock, refusedRetryMs);
    await uapiReady(socket, name, tries - 1, clock);
  }
}

/** One request, one answer. The path may be longer than a socket address can be: it is reached through its folder's descriptor. */
function talk(path: string, request: string, operation: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let folder: number;
    try {
      folder = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
    } catch (cause) {
      reject(unreachable(operation, cause));
      return;
    }
    const connection = createConnection({ path: `/proc/self/fd/${folder}/${basename(path)}` });
    let answer = '';
    connection.setEncoding('utf8').setTimeout(answerTimeoutMs);
    connection.on('connect', () => connection.write(request));
    connection.on('timeout', () =>
      connection.destroy(new KernelError('ETIMEDOUT', operation, { meaning: 'wireguard-go does not answer' })),
    );
    connection.on('error', (error) => reject(error instanceof KernelError ? error : unreachable(operation, error)));
    connection.on('close', () => {
      closeSync(folder);
      reject(unreachable(operation, undefined));
    });
    connection.on('data', (data) => {
      answer += String(data);
      if (!answer.endsWith('\n\n')) return;
      const errno = Number(/^errno=(-?\d+)$/m.exec(answer)?.[1] ?? 0);
      if (errno === 0) resolve(answer);
      else reject(new KernelError(errnoName(errno), operation));
      connection.end();
    });
  });
}

function unreachable(operation: string, cause: unknown): KernelError {
  return new KernelError('ENODEV', operation, {
    cause,
    meaning: 'the wireguard-go process of this link does not answer',
  });
}
