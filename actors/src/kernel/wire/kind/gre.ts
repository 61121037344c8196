/** Kind-specific attributes of gre links (enum IFLA_GRE_* of linux/if_tunnel.h). */
import type { Codec } from '../codec.ts';
import { newTunnel, readTunnel, writeTunnel, type IpipAttributes } from './ipip.ts';
import { attributes } from '../attribute.ts';

export type GreAttributes = IpipAttributes & {
  /** Key that packets must have to be taken in, and key that they are sent with; null: none. */
  inputKey: number | null;
  outputKey: number | null;
};

const INPUT_FLAGS = 2;
const OUTPUT_FLAGS = 3;
const INPUT_KEY = 4;
const OUTPUT_KEY = 5;
const numbers = { link: 1, local: 6, remote: 7, ttl: 8, tos: 9 };
/** GRE_KEY, in the order of bytes in which it is sent. */
const HAS_KEY = 0x2000;

export const gre: Codec<GreAttributes> = {
  module: 'ip_gre',
  write(writer, tunnel) {
    writeTunnel(writer, tunnel, numbers);
    const { inputKey, outputKey } = tunnel;
    for (const [flags, type, key] of [
      [INPUT_FLAGS, INPUT_KEY, inputKey],
      [OUTPUT_FLAGS, OUTPUT_KEY, outputKey],
    ] as const) {
      if (key === null) continue;
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(key);
      writer.u16be(flags, HAS_KEY).bytes(type, bytes);
    }
  },
  read(data) {
    const result: GreAttributes = { ...newTunnel(), inputKey: null, outputKey: null };
    const has = { inputKey: false, outputKey: false };
    const keys = { inputKey: 0, outputKey: 0 };
    attributes(data, 0, (type, value) => {
      readTunnel(result, type, value, numbers);
      if (type === INPUT_FLAGS) has.inputKey = (value.readUInt16BE() & HAS_KEY) !== 0;
      if (type === OUTPUT_FLAGS) has.outputKey = (value.readUInt16BE() & HAS_KEY) !== 0;
      if (type === INPUT_KEY) keys.inputKey = value.readUInt32BE();
      if (type === OUTPUT_KEY) keys.outputKey = value.readUInt32BE();
    });
    if (has.inputKey) result.inputKey = keys.inputKey;
    if (has.outputKey) result.outputKey = keys.outputKey;
    return result;
  },
};
