import { lookup } from 'node:dns/promises';
import type { Clock } from '@ifactor/common';

/** All addresses of a host name, the preferred one first. Rejects where it has none now. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** As every other program of the machine resolves names: /etc/hosts, then the resolvers of /etc/resolv.conf. */
export const systemResolve: Resolve = async (host) => (await lookup(host, { all: true })).map(({ address }) => address);

/** A resolver that does not answer keeps its asker so long at most, in milliseconds: other peers wait behind it. */
const patience = 2000;

/** Looks each name up once at a time, whoever asks, and not for long. */
export function withTimeLimit(resolve: Resolve, clock: Clock): Resolve {
  const underWay = new Map<string, Promise<readonly string[]>>();
  const ask = async (host: string): Promise<readonly string[]> => {
    const late = Promise.withResolvers<never>();
    const cancel = clock.after(patience, () =>
      late.reject(new Error(`no resolver answered within ${patience / 1000} s`)),
    );
    try {
      const found = await Promise.race([resolve(host), late.promise]);
      if (found.length === 0) throw new Error('it has no address');
      return found;
    } finally {
      cancel();
      underWay.delete(host);
    }
  };
  return (host) => {
    const known = underWay.get(host);
    if (known) return known;
    const asked = ask(host);
    underWay.set(host, asked);
    return asked;
  };
}
