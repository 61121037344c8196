import { attributed, section } from '../diff/attributed.ts';
import { changesTunnel, tunnelOf } from './ipip.ts';

/** A GRE tunnel: IP packets within IPv4 packets to one far end, with a key where there are several. */
export const gre = attributed('gre', {
  attributes(spec) {
    const wanted = section(spec, 'gre');
    const key = wanted.key ?? null;
    return { ...tunnelOf(wanted), inputKey: key, outputKey: key };
  },
  changes: changesTunnel,
});
