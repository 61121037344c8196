/** Addresses on the wire: struct ifaddrmsg and IFA_* of linux/if_addr.h. */
import { AF_INET, AF_INET6, formatIp, ipBytes } from '@ifactor/common/ip';
import type { KernelAddress, AddressFlag } from '../kernel.ts';
import { attributes, MessageWriter, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL } from './attribute.ts';

export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
const RTM_GETADDR = 22;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_FLAGS = 8;
const IFA_F_NOPREFIXROUTE = 0x200;
const RT_SCOPE_HOST = 254;

/** Bit 0 says 'secondary' of inet and 'temporary' of inet6. */
const flagBits: [bit: number, name: AddressFlag][] = [
  [0x04, 'optimistic'],
  [0x08, 'dadFailed'],
  [0x20, 'deprecated'],
  [0x40, 'tentative'],
  [0x80, 'permanent'],
];

export type AddressMessage = { index: number; address: KernelAddress };

/** Undefined for families other than inet and inet6. */
export function decodeAddress(payload: Buffer): AddressMessage | undefined {
  const family = payload.readUInt8(0);
  if (family !== AF_INET && family !== AF_INET6) return undefined;
  let bits = payload.readUInt8(2);
  let local: string | undefined;
  let remote: string | undefined;
  attributes(payload, 8, (type, value) => {
    switch (type) {
      case IFA_LOCAL:
        local = formatIp(value);
        break;
      case IFA_ADDRESS:
        remote = formatIp(value);
        break;
      case IFA_FLAGS:
        bits = value.readUInt32LE();
        break;
      default:
        break;
    }
  });
  // inet6 without a peer has IFA_ADDRESS only; with one, IFA_ADDRESS is the peer. inet has both always.
  local ??= remote;
  if (local === undefined) return undefined;
  const flags = flagBits.filter(([bit]) => bits & bit).map(([, name]) => name);
  if (bits & 1) flags.push(family === AF_INET ? 'secondary' : 'temporary');
  return {
    index: payload.readUInt32LE(4),
    address: {
      family: family === AF_INET ? 'inet' : 'inet6',
      local,
      peer: remote === undefined || remote === local ? null : remote,
      prefixlen: payload.readUInt8(1),
      noPrefixRoute: (bits & IFA_F_NOPREFIXROUTE) !== 0,
      flags,
    },
  };
}

export function encodeNewAddress(index: number, address: KernelAddress): Buffer {
  return encode(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, index, address);
}

export function encodeDeleteAddress(index: number, address: KernelAddress): Buffer {
  return encode(RTM_DELADDR, NLM_F_ACK, index, address);
}

export function encodeDumpAddresses(): Buffer {
  return new MessageWriter(RTM_GETADDR, NLM_F_DUMP, 64).raw(Buffer.alloc(8)).finish();
}

/** Throws RangeError where the text is no address of the family. */
function encode(type: number, flags: number, index: number, address: KernelAddress): Buffer {
  const local = ipBytes(address.local);
  const peer = address.peer === null ? local : ipBytes(address.peer);
  const size = address.family === 'inet' ? 4 : 16;
  if (local.length !== size || peer.length !== size)
    throw new RangeError(`${address.local} or its peer is not of family ${address.family}`);
  const header = Buffer.alloc(8);
  header.writeUInt8(size === 4 ? AF_INET : AF_INET6, 0);
  header.writeUInt8(address.prefixlen, 1);
  header.writeUInt8(size === 4 && local[0] === 127 ? RT_SCOPE_HOST : 0, 3);
  header.writeUInt32LE(index, 4);
  const writer = new MessageWriter(type, flags, 96).raw(header).bytes(IFA_LOCAL, local).bytes(IFA_ADDRESS, peer);
  if (address.noPrefixRoute) writer.u32(IFA_FLAGS, IFA_F_NOPREFIXROUTE);
  return writer.finish();
}
