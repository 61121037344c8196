/** Kind-specific attributes of macvlan links (enum IFLA_MACVLAN_* of linux/if_link.h). */
import type { Codec } from '../codec.ts';
import { attributes } from '../attribute.ts';

export type MacvlanAttributes = {
  /** Index of the device below; null: it is in another netns. */
  link: number | null;
  mode: keyof typeof modes;
};

const MODE = 1;
// MACVLAN_MODE_*.
const modes = { private: 1, vepa: 2, bridge: 4, passthru: 8, source: 16 } as const;

export const macvlan: Codec<MacvlanAttributes> = {
  lower: true,
  write(writer, { mode }) {
    writer.u32(MODE, modes[mode]);
  },
  read(data, link) {
    const result: MacvlanAttributes = { link, mode: 'vepa' };
    attributes(data, 0, (type, value) => {
      if (type !== MODE) return;
      const bits = value.readUInt32LE();
      for (const mode of Object.keys(modes) as (keyof typeof modes)[]) if (modes[mode] === bits) result.mode = mode;
    });
    return result;
  },
};
