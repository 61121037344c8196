/** Links on the wire: struct ifinfomsg and IFLA_* of linux/if_link.h. */
import { AF_INET6 } from '@ifactor/common/ip';
import type { AddrGenMode, Link, LinkChange, Netns, NewLink } from '../kernel.ts';
import { isAttributed, readAttributes, written, type AttributedKind } from './kind/index.ts';
import { VETH_INFO_PEER, type NewPair } from './kind/veth.ts';
import { attributes, MessageWriter, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, readText } from './attribute.ts';

export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_SETLINK = 19;

const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_WIRELESS = 11;
const IFLA_OPERSTATE = 16;
const IFLA_LINKINFO = 18;
const IFLA_IFALIAS = 20;
const IFLA_AF_SPEC = 26;
const IFLA_GROUP = 27;
const IFLA_NET_NS_FD = 28;
const IFLA_EXT_MASK = 29;
const IFLA_LINK_NETNSID = 37;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const RTEXT_FILTER_SKIP_STATS = 8;
const IFF_UP = 1;

const flagNames = [
  'UP',
  'BROADCAST',
  'DEBUG',
  'LOOPBACK',
  'POINTOPOINT',
  'NOTRAILERS',
  'RUNNING',
  'NOARP',
  'PROMISC',
  'ALLMULTI',
  'MASTER',
  'SLAVE',
  'MULTICAST',
  'PORTSEL',
  'AUTOMEDIA',
  'DYNAMIC',
  'LOWER_UP',
  'DORMANT',
  'ECHO',
];
// RFC 2863, IF_OPER_* of linux/if.h.
const operStates = ['unknown', 'notpresent', 'down', 'lowerlayerdown', 'testing', 'dormant', 'up'];
const addrGenModes: AddrGenMode[] = ['eui64', 'none', 'stable', 'random'];

/** The file descriptor of a netns, for IFLA_NET_NS_FD. */
export type NetnsFd = (netns: Netns) => number;

/** Undefined for messages that look like a link and describe something else: a bridge port's report (AF_BRIDGE) and wireless events. */
export function decodeLink(payload: Buffer): Link | undefined {
  if (payload.readUInt8(0) !== 0) return undefined;
  const bits = payload.readUInt32LE(8);
  const link: Link = {
    index: payload.readInt32LE(4),
    name: '',
    kind: '',
    up: (bits & IFF_UP) !== 0,
    flags: flagNames.filter((_, bit) => bits & (1 << bit)),
    operState: 'unknown',
    mtu: 0,
    alias: null,
    master: null,
    mac: null,
    group: 0,
    linkNetnsId: null,
    peerIndex: null,
  };
  let wireless = false;
  let info: Buffer | undefined;
  attributes(payload, 16, (type, value) => {
    switch (type) {
      // A tunnel's link-layer address is an IP address.
      case IFLA_ADDRESS:
        link.mac = value.length === 6 ? value.toString('hex').replace(/..(?!$)/g, '$&:') : null;
        break;
      case IFLA_IFNAME:
        link.name = readText(value);
        break;
      case IFLA_MTU:
        link.mtu = value.readUInt32LE();
        break;
      case IFLA_LINK:
        link.peerIndex = value.readUInt32LE() || null;
        break;
      case IFLA_MASTER:
        link.master = value.readUInt32LE() || null;
        break;
      case IFLA_WIRELESS:
        wireless = true;
        break;
      case IFLA_OPERSTATE:
        link.operState = operStates[value.readUInt8()] ?? 'unknown';
        break;
      case IFLA_LINKINFO:
        info = value;
        break;
      case IFLA_IFALIAS:
        link.alias = readText(value) || null;
        break;
      case IFLA_AF_SPEC:
        decodeFamilies(link, value);
        break;
      case IFLA_GROUP:
        link.group = value.readUInt32LE();
        break;
      case IFLA_LINK_NETNSID:
        link.linkNetnsId = value.readInt32LE();
        break;
      default:
        break;
    }
  });
  if (info) decodeInfo(link, info);
  return wireless || link.name === '' ? undefined : link;
}

/** Index that a link message is about; undefined for a bridge port's report, whose RTM_DELLINK deletes no link. */
export function linkIndex(payload: Buffer): number | undefined {
  return payload.readUInt8(0) === 0 ? payload.readInt32LE(4) : undefined;
}

function decodeInfo(link: Link, info: Buffer): void {
  let data: Buffer | undefined;
  attributes(info, 0, (type, value) => {
    if (type === IFLA_INFO_KIND) link.kind = readText(value);
    if (type === IFLA_INFO_DATA) data = value;
  });
  // An index in another netns says nothing here.
  const lower = link.linkNetnsId === null ? link.peerIndex : null;
  if (data && isAttributed(link.kind)) Object.assign(link, readAttributes(link.kind, data, lower));
}

function decodeFamilies(link: Link, families: Buffer): void {
  attributes(families, 0, (family, settings) => {
    if (family !== AF_INET6) return;
    attributes(settings, 0, (type, value) => {
      const mode = type === IFLA_INET6_ADDR_GEN_MODE ? addrGenModes[value.readUInt8()] : undefined;
      if (mode) link.addrGenMode = mode;
    });
  });
}

function ifinfo(index: number, flags = 0, change = 0): Buffer {
  const header = Buffer.alloc(16);
  header.writeInt32LE(index, 4);
  header.writeUInt32LE(flags, 8);
  header.writeUInt32LE(change, 12);
  return header;
}

export function encodeNewLink(link: NewLink, fd: NetnsFd): Buffer {
  const up = link.up ? IFF_UP : 0;
  const writer = new MessageWriter(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, 256).raw(ifinfo(0, up, up));
  writeBasics(writer, link);
  if (link.master) writer.u32(IFLA_MASTER, link.master);
  if (link.netns) writer.u32(IFLA_NET_NS_FD, fd(link.netns));
  if (isOfAttributedKind(link)) return writeKind(writer, link, true).finish();
  return writer
    .nest(IFLA_LINKINFO, (info) => {
      info.text(IFLA_INFO_KIND, link.kind);
      if ('peer' in link) info.nest(IFLA_INFO_DATA, (data) => writeFarEnd(data, link.peer, fd));
    })
    .finish();
}

function writeBasics(writer: MessageWriter, { name, mtu, mac }: Pick<NewLink, 'name' | 'mtu' | 'mac'>): void {
  writer.text(IFLA_IFNAME, name);
  if (mtu) writer.u32(IFLA_MTU, mtu);
  if (mac) writer.bytes(IFLA_ADDRESS, Buffer.from(mac.replaceAll(':', ''), 'hex'));
}

function writeFarEnd(data: MessageWriter, { netns, ...end }: NewPair<Netns>['peer'], fd: NetnsFd): void {
  data.nest(VETH_INFO_PEER, (peer) => {
    // Not yet up: the kernel would have to bring it up before the other end exists (ENOTCONN).
    writeBasics(peer.raw(ifinfo(0)), end);
    if (netns) peer.u32(IFLA_NET_NS_FD, fd(netns));
  });
}

const isOfAttributedKind = (link: NewLink): link is NewLink & AttributedKind => isAttributed(link.kind);

function writeKind(writer: MessageWriter, kind: AttributedKind, isNew: boolean): MessageWriter {
  const { lower, write } = written(kind);
  if (isNew && lower !== null) writer.u32(IFLA_LINK, lower);
  return writer.nest(IFLA_LINKINFO, (info) => info.text(IFLA_INFO_KIND, kind.kind).nest(IFLA_INFO_DATA, write));
}

/** A request. `passOver`: the errno that means that there was nothing to do. */
export type LinkMessage = { message: Buffer; passOver?: string };

/**
 * One to five messages, to be sent in order. The kernel sets the flags of a message before its address generation mode, refuses a whole
 * message with that mode where IPv6 is not running on the link, and moves a link before it looks at anything else: so these go in
 * messages of their own.
 */
export function encodeLinkChange(index: number, change: LinkChange, fd: NetnsFd): LinkMessage[] {
  const out: LinkMessage[] = [];
  const add = (writer: MessageWriter): void => void out.push({ message: writer.finish() });
  const { name, mtu, alias, master, addrGenMode, attributes: kind, up, netns } = change;
  // RTM_SETLINK passes over what is particular to a kind.
  if (kind) add(writeKind(new MessageWriter(RTM_NEWLINK, NLM_F_ACK, 256).raw(ifinfo(index)), kind, false));
  if ([name, mtu, alias, master].some((value) => value !== undefined)) {
    const writer = setLink(index);
    if (name !== undefined) writer.text(IFLA_IFNAME, name);
    if (mtu !== undefined) writer.u32(IFLA_MTU, mtu);
    // Without its zero: IFLA_IFALIAS is binary, and an empty one clears the alias.
    if (alias !== undefined) writer.bytes(IFLA_IFALIAS, Buffer.from(alias ?? ''));
    if (master !== undefined) writer.u32(IFLA_MASTER, master ?? 0);
    add(writer);
  }
  if (addrGenMode !== undefined) {
    const writer = setLink(index).nest(IFLA_AF_SPEC, (families) =>
      families.nest(AF_INET6, (settings) => settings.u8(IFLA_INET6_ADDR_GEN_MODE, addrGenModes.indexOf(addrGenMode))),
    );
    out.push({ message: writer.finish(), passOver: 'EAFNOSUPPORT' });
  }
  if (up !== undefined) add(setLink(index, up ? IFF_UP : 0, IFF_UP));
  if (netns !== undefined) add(setLink(index).u32(IFLA_NET_NS_FD, fd(netns)));
  return out;
}

/** For a link whose index is not known yet. */
export function encodeUp(name: string): Buffer {
  return setLink(0, IFF_UP, IFF_UP).text(IFLA_IFNAME, name).finish();
}

function setLink(index: number, flags = 0, change = 0): MessageWriter {
  return new MessageWriter(RTM_SETLINK, NLM_F_ACK, 256).raw(ifinfo(index, flags, change));
}

export function encodeDeleteLink(index: number): Buffer {
  return new MessageWriter(RTM_DELLINK, NLM_F_ACK, 64).raw(ifinfo(index)).finish();
}

export function encodeSetGroup(index: number, group: number): Buffer {
  return setLink(index).u32(IFLA_GROUP, group).finish();
}

/** Deletes every link of the group, or none. */
export function encodeDeleteGroup(group: number): Buffer {
  return new MessageWriter(RTM_DELLINK, NLM_F_ACK, 64).raw(ifinfo(0)).u32(IFLA_GROUP, group).finish();
}

/** Asks for one link by index or name. The answer is RTM_NEWLINK, or an error (ENODEV); no acknowledgement beside it. */
export function encodeGetLink(link: number | string): Buffer {
  const writer = new MessageWriter(RTM_GETLINK, 0, 64).raw(ifinfo(typeof link === 'number' ? link : 0));
  if (typeof link === 'string') writer.text(IFLA_IFNAME, link);
  return writer.u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS).finish();
}

export function encodeDumpLinks(): Buffer {
  return new MessageWriter(RTM_GETLINK, NLM_F_DUMP, 64)
    .raw(ifinfo(0))
    .u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)
    .finish();
}
