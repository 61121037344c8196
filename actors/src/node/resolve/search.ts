/** The candidates for a short name, as resolv.conf(5) defines them. */
import { readFileSync } from 'node:fs';

export type Search = { domains: readonly string[]; ndots: number };

export function readSearch(path: string): Search {
  try {
    return parseSearch(readFileSync(path, 'utf8'));
  } catch {
    return { domains: [], ndots: 1 };
  }
}

/** Of several `search` or `domain` lines the last counts. */
export function parseSearch(text: string): Search {
  let domains: string[] = [];
  let ndots = 1;
  for (const line of text.split('\n')) {
    const [word, ...rest] = line.trim().split(/\s+/);
    if (word === 'search' || word === 'domain') domains = rest.filter((domain) => domain !== '.');
    if (word !== 'options') continue;
    for (const option of rest) {
      const count = /^ndots:(\d{1,2})$/.exec(option)?.[1];
      if (count !== undefined) ndots = Math.min(Number(count), 15);
    }
  }
  return { domains, ndots };
}

/** The names to ask for, one after the other, until one has an address. */
export function candidates(host: string, { domains, ndots }: Search): string[] {
  if (host.endsWith('.')) return [host];
  const longer = domains.map((domain) => `${host}.${domain}`);
  const dots = host.split('.').length - 1;
  return dots >= ndots ? [host, ...longer] : [...longer, host];
}
