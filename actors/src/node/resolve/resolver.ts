import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { codeOf, systemClock, type Clock } from '@ifactor/common';
import { lookupHosts, type HostsOptions } from './hosts.ts';
import { preferred } from './preferred.ts';
import { candidates, readSearch } from './search.ts';

/** All addresses of a host name, the preferred one first. Rejects where it has none now. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** As `Resolve`, for as long as it takes; the signal gives the question up. */
export type Lookup = (host: string, signal: AbortSignal) => Promise<readonly string[]>;

export type ResolverOptions = HostsOptions & {
  /** Default: /etc/resolv.conf. */
  resolvConf?: string;
  /** Addresses of name servers, with `:port` where it is not 53. Default: those of resolv.conf. */
  servers?: readonly string[];
  /** The system's when absent. */
  clock?: Clock;
};

/** Answers that say that a name does not exist, or has no address of the family: the next candidate is asked for. */
const absent = new Set(['ENOTFOUND', 'ENODATA', 'ESERVFAIL']);

/**
 * Resolves names by /etc/hosts, then by the name servers of /etc/resolv.conf. Not by getaddrinfo: each name that no server answers
 * would block one of libuv's few threads for many seconds, and all other names, and files, behind it.
 */
export function createLookup({
  servers,
  resolvConf = '/etc/resolv.conf',
  clock = systemClock,
  ...hosts
}: ResolverOptions = {}): Lookup {
  return async (host, signal) => {
    if (isIP(host) > 0) return [host];
    const listed = lookupHosts(host, hosts);
    if (listed.length > 0) return preferred(listed);
    signal.throwIfAborted();
    // One for each name: cancelling a resolver ends all of its questions.
    const resolver = new Resolver({ timeout: 1000, tries: 3 });
    if (servers) resolver.setServers(servers);
    const cancel = (): void => resolver.cancel();
    signal.addEventListener('abort', cancel);
    try {
      for (const name of candidates(host, readSearch(resolvConf))) {
        const found = await query(resolver, name, clock);
        if (found.length > 0) return await preferred(found);
      }
      return [];
    } finally {
      signal.removeEventListener('abort', cancel);
      // Cancel the address family that has not answered.
      cancel();
    }
  };
}

/** Once one family of addresses is known, the other is waited for so long: some name servers never answer for it. */
const otherFamilyMs = 300;

/** @throws the error of the name servers if they answer neither addresses nor that the name has no address */
async function query(resolver: Resolver, name: string, clock: Clock): Promise<string[]> {
  const enough = Promise.withResolvers<void>();
  let cancel: (() => void) | undefined;
  const found: string[] = [];
  const take = async (answer: Promise<string[]>): Promise<void> => {
    found.push(...(await answer));
    if (found.length > 0) cancel ??= clock.after(otherFamilyMs, enough.resolve, true);
  };
  const questions = Promise.allSettled([take(resolver.resolve6(name)), take(resolver.resolve4(name))]);
  const answers = await Promise.race([questions, enough.promise.then(() => [])]);
  cancel?.();
  if (found.length > 0) return [...found];
  for (const answer of answers)
    if (answer.status === 'rejected' && !absent.has(codeOf(answer.reason))) throw answer.reason;
  return [];
}

export const systemLookup: Lookup = createLookup();

/** The time limit of a lookup: other peers wait behind it. */
const patienceMs = 2000;

/** Shares one lookup per name between all callers, and cancels a lookup without an answer within the time limit. */
export function withTimeLimit(lookup: Lookup, clock: Clock): Resolve {
  const underWay = new Map<string, Promise<readonly string[]>>();
  const ask = async (host: string): Promise<readonly string[]> => {
    const late = Promise.withResolvers<never>();
    const question = new AbortController();
    const cancel = clock.after(patienceMs, () => {
      late.reject(new Error(`no resolver answered within ${patienceMs / 1000} s`));
      question.abort();
    });
    try {
      const found = await Promise.race([lookup(host, question.signal), late.promise]);
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
