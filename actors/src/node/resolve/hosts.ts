/** Names of /etc/hosts, as hosts(5) has them. */
import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';

export type HostsOptions = {
  /** Default: /etc/hosts. */
  hosts?: string;
};

type Read = { version: string; names: ReadonlyMap<string, readonly string[]> };

const known = new Map<string, Read>();
const loopback = ['::1', '127.0.0.1'];

/** Addresses of a name, in the file's order; none where the file does not name it. The file is read again when it changed. */
export function lookupHosts(host: string, { hosts = '/etc/hosts' }: HostsOptions = {}): readonly string[] {
  const name = host.toLowerCase().replace(/\.$/, '');
  const found = read(hosts).get(name);
  if (found) return found;
  // RFC 6761: whatever name servers say.
  return name === 'localhost' || name.endsWith('.localhost') ? loopback : [];
}

function read(path: string): Read['names'] {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (!stat) return new Map();
  const version = `${stat.ino} ${stat.mtimeNs} ${stat.size}`;
  const before = known.get(path);
  if (before?.version === version) return before.names;
  const names = parseHosts(readFileSync(path, 'utf8'));
  known.set(path, { version, names });
  return names;
}

export function parseHosts(text: string): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...words] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (isIP(address) === 0) continue;
    for (const word of words) {
      const name = word.toLowerCase();
      names.set(name, [...(names.get(name) ?? []), address]);
    }
  }
  return names;
}
