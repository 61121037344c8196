/** Kind-specific attributes of ipip links (enum IFLA_IPTUN_* of linux/if_tunnel.h). */
import type { Codec } from '../codec.ts';
import { formatIp, ipBytes } from '@ifactor/common/ip';
import { attributes, type MessageWriter } from '../attribute.ts';

/** Of a tunnel of IPv4 packets. */
export type IpipAttributes = {
  /** Index of the device that the outer packets leave by; null: as routed. */
  link: number | null;
  local: string | null;
  remote: string | null;
  /** 0: that of the inner packet. */
  ttl: number;
  /** 1: that of the inner packet. */
  tos: number;
};

const numbers = { link: 1, local: 2, remote: 3, ttl: 4, tos: 5 };

export const ipip: Codec<IpipAttributes> = {
  write(writer, tunnel) {
    writeTunnel(writer, tunnel, numbers);
  },
  read(data) {
    const result = newTunnel();
    attributes(data, 0, (type, value) => readTunnel(result, type, value, numbers));
    return result;
  },
};

export const newTunnel = (): IpipAttributes => ({ link: null, local: null, remote: null, ttl: 0, tos: 0 });

/** By the attributes' numbers, which differ from kind to kind. */
export function writeTunnel(
  writer: MessageWriter,
  { link, local, remote, ttl, tos }: IpipAttributes,
  at: typeof numbers,
): void {
  if (link !== null) writer.u32(at.link, link);
  for (const [type, ip] of [
    [at.local, local],
    [at.remote, remote],
  ] as const) {
    if (ip === null) continue;
    const bytes = ipBytes(ip);
    if (bytes.length !== 4) throw new RangeError(`${ip} is no IPv4 address`);
    writer.bytes(type, bytes);
  }
  writer.u8(at.ttl, ttl).u8(at.tos, tos);
}

export function readTunnel(tunnel: IpipAttributes, type: number, value: Buffer, at: typeof numbers): void {
  switch (type) {
    case at.link:
      tunnel.link = value.readUInt32LE() || null;
      break;
    // The kernel writes "none" as 0.0.0.0.
    case at.local:
      tunnel.local = value.readUInt32LE() === 0 ? null : formatIp(value);
      break;
    case at.remote:
      tunnel.remote = value.readUInt32LE() === 0 ? null : formatIp(value);
      break;
    case at.ttl:
      tunnel.ttl = value.readUInt8();
      break;
    case at.tos:
      tunnel.tos = value.readUInt8();
      break;
    default:
      break;
  }
}
