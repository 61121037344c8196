import { linkWithAttributes, section } from '../diff/linkWithAttributes.ts';
import { changesTunnel, tunnelOf } from './ipip.ts';

/** A GRE tunnel: IP packets within IPv4 packets to one far end, with a key where there are several. */
export const gre = linkWithAttributes('gre', {
  attributes(spec) {
    const wanted = section(spec, 'gre');
    const key = wanted.key ?? null;
    return { ...tunnelOf(wanted), inputKey: key, outputKey: key };
  },
  changes: changesTunnel,
});
