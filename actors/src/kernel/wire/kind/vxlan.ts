/** Kind-specific attributes of vxlan links (enum IFLA_VXLAN_* of linux/if_link.h). */
import type { Codec } from '../codec.ts';
import { formatIp, ipBytes } from '@ifactor/common/ip';
import { attributes, type MessageWriter } from '../attribute.ts';

/** What a vxlan link was made with. A change of any of these needs a new link. */
export type VxlanAttributes = {
  vni: number;
  /** Index of the underlying device in the vxlan's birth netns; null: none. */
  link: number | null;
  local: string | null;
  /** Remote address, multicast or unicast; null: none. */
  group: string | null;
  /** UDP destination port. */
  port: number;
  /** UDP source ports, inclusive. The kernel writes "its own choice" as [0, 0]. */
  portRange: [low: number, high: number];
  /** 0: none; 1: inherited from the inner packet. */
  tos: number;
  /** 0: the kernel's default. */
  ttl: number;
  learning: boolean;
  /** Seconds until a learned entry is forgotten; 0: not for 49 days, which is the longest that every kernel can count. */
  ageing: number;
  /** ARP and neighbour discovery are answered from the table. */
  proxy: boolean;
};

/** What a new one is asked for. */
export type NewVxlan = Pick<VxlanAttributes, 'vni'> & Partial<VxlanAttributes>;

const ID = 1;
const GROUP = 2;
const LINK = 3;
const LOCAL = 4;
const TTL = 5;
const TOS = 6;
const LEARNING = 7;
const AGEING = 8;
const PORT_RANGE = 10;
const PROXY = 11;
const PORT = 15;
const GROUP6 = 16;
const LOCAL6 = 17;

/** The kernel reads 0 as its default of 300 s, and multiplies seconds by up to 1000 ticks in 32 bits. */
const longestAge = 4_294_967;

/** `group` and `local` must be of one address family. */
function write(writer: MessageWriter, vxlan: NewVxlan): void {
  writer.u32(ID, vxlan.vni);
  writeIp(writer, GROUP, GROUP6, vxlan.group);
  writeIp(writer, LOCAL, LOCAL6, vxlan.local);
  if (vxlan.link) writer.u32(LINK, vxlan.link);
  if (vxlan.ttl !== undefined) writer.u8(TTL, vxlan.ttl);
  if (vxlan.tos !== undefined) writer.u8(TOS, vxlan.tos);
  if (vxlan.learning !== undefined) writer.u8(LEARNING, Number(vxlan.learning));
  if (vxlan.ageing !== undefined) writer.u32(AGEING, vxlan.ageing || longestAge);
  if (vxlan.proxy !== undefined) writer.u8(PROXY, Number(vxlan.proxy));
  if (vxlan.port !== undefined) writer.u16be(PORT, vxlan.port);
  if (vxlan.portRange) {
    const range = Buffer.alloc(4);
    range.writeUInt16BE(vxlan.portRange[0], 0);
    range.writeUInt16BE(vxlan.portRange[1], 2);
    writer.bytes(PORT_RANGE, range);
  }
}

function read(data: Buffer): VxlanAttributes {
  const vxlan: VxlanAttributes = {
    vni: 0,
    link: null,
    local: null,
    group: null,
    port: 0,
    portRange: [0, 0],
    tos: 0,
    ttl: 0,
    learning: false,
    ageing: 0,
    proxy: false,
  };
  attributes(data, 0, (type, value) => {
    switch (type) {
      case ID:
        vxlan.vni = value.readUInt32LE();
        break;
      case GROUP:
      case GROUP6:
        vxlan.group = formatIp(value);
        break;
      case LOCAL:
      case LOCAL6:
        vxlan.local = formatIp(value);
        break;
      case LINK:
        vxlan.link = value.readUInt32LE() || null;
        break;
      case TTL:
        vxlan.ttl = value.readUInt8();
        break;
      case TOS:
        vxlan.tos = value.readUInt8();
        break;
      case LEARNING:
        vxlan.learning = value.readUInt8() !== 0;
        break;
      case AGEING:
        vxlan.ageing = value.readUInt32LE() % longestAge;
        break;
      case PORT_RANGE:
        vxlan.portRange = [value.readUInt16BE(0), value.readUInt16BE(2)];
        break;
      case PROXY:
        vxlan.proxy = value.readUInt8() !== 0;
        break;
      case PORT:
        vxlan.port = value.readUInt16BE();
        break;
      default:
        break;
    }
  });
  return vxlan;
}

function writeIp(writer: MessageWriter, type4: number, type6: number, ip: string | null | undefined): void {
  if (!ip) return;
  const bytes = ipBytes(ip);
  writer.bytes(bytes.length === 4 ? type4 : type6, bytes);
}

export const vxlan: Codec<NewVxlan, VxlanAttributes> = { write, read };
