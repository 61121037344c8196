/** Kind-specific attributes of vrf links (enum IFLA_VRF_* of linux/if_link.h). */
import type { Codec } from '../codec.ts';
import { attributes } from '../attribute.ts';

export type VrfAttributes = {
  /** Number of the routing table. */
  table: number;
};

const TABLE = 1;

export const vrf: Codec<VrfAttributes> = {
  write(writer, { table }) {
    writer.u32(TABLE, table);
  },
  read(data) {
    const result: VrfAttributes = { table: 0 };
    attributes(data, 0, (type, value) => {
      if (type === TABLE) result.table = value.readUInt32LE();
    });
    return result;
  },
};
