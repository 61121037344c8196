/** Kind-specific attributes of vxlan links (enum IFLA_VXLAN_* of linux/if_link.h). */
import { formatIp, ipBytes } from './ip.ts';
import type { VxlanAttributes } from './kernel.ts';
import { attributes, type MessageWriter } from './wire.ts';

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
export function writeVxlan(writer: MessageWriter, vxlan: Pick<VxlanAttributes, 'vni'> & Partial<VxlanAttributes>): void {
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

export function readVxlan(data: Buffer): VxlanAttributes {
  const vxlan: VxlanAttributes = {
    vni: 0, link: null, local: null, group: null, port: 0, portRange: [0, 0], tos: 0, ttl: 0, learning: false, ageing: 0, proxy: false,
  };
  attributes(data, 0, (type, value) => {
    switch (type) {
      case ID: vxlan.vni = value.readUInt32LE(); break;
      case GROUP: case GROUP6: vxlan.group = formatIp(value); break;
      case LOCAL: case LOCAL6: vxlan.local = formatIp(value); break;
      case LINK: vxlan.link = value.readUInt32LE() || null; break;
      case TTL: vxlan.ttl = value.readUInt8(); break;
      case TOS: vxlan.tos = value.readUInt8(); break;
      case LEARNING: vxlan.learning = value.readUInt8() !== 0; break;
      case AGEING: vxlan.ageing = value.readUInt32LE() % longestAge; break;
      case PORT_RANGE: vxlan.portRange = [value.readUInt16BE(0), value.readUInt16BE(2)]; break;
      case PROXY: vxlan.proxy = value.readUInt8() !== 0; break;
      case PORT: vxlan.port = value.readUInt16BE(); break;
      default: break;
    }
  });
  return vxlan;
}

function writeIp(writer: MessageWriter, type4: number, type6: number, ip: string | null | undefined): void {
  if (!ip) return;
  const bytes = ipBytes(ip);
  writer.bytes(bytes.length === 4 ? type4 : type6, bytes);
}
