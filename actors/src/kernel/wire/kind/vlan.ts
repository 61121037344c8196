/** Kind-specific attributes of vlan links (enum IFLA_VLAN_* of linux/if_link.h). */
import type { Codec } from '../codec.ts';
import { attributes } from '../attribute.ts';

export type VlanAttributes = {
  /** Index of the device below; null: it is in another netns. */
  link: number | null;
  id: number;
  protocol: '802.1Q' | '802.1ad';
};

const ID = 1;
const PROTOCOL = 5;

// ETH_P_8021Q and ETH_P_8021AD of linux/if_ether.h.
const etherTypes = { '802.1Q': 0x8100, '802.1ad': 0x88a8 } as const;

export const vlan: Codec<VlanAttributes> = {
  lower: true,
  module: '8021q',
  write(writer, { id, protocol }) {
    writer.u16(ID, id).u16be(PROTOCOL, etherTypes[protocol]);
  },
  read(data, link) {
    const result: VlanAttributes = { link, id: 0, protocol: '802.1Q' };
    attributes(data, 0, (type, value) => {
      if (type === ID) result.id = value.readUInt16LE();
      if (type === PROTOCOL && value.readUInt16BE() === etherTypes['802.1ad']) result.protocol = '802.1ad';
    });
    return result;
  },
};
