import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

/** 32 bytes in base64, as `wg` spells keys. */
const KEY = /^[A-Za-z0-9+/]{43}=$/;

/** The keys that a file of manifests gives away: inline ones, and those in its Secrets. */
export function keysIn(manifests: string): string[] {
  return parseAllDocuments(manifests).flatMap((document) => keysOf(document.toJS()));
}

/** The keys of one object, or of a list of them, as the API shows it. */
export function keysOf(object: unknown): string[] {
  const { kind, items, spec, data, stringData } = (object ?? {}) as {
    kind?: string;
    items?: unknown[];
    spec?: unknown;
    data?: Record<string, string>;
    stringData?: Record<string, string>;
  };
  if (items !== undefined) return items.flatMap(keysOf);
  if (kind === 'Secret') {
    const decoded = Object.values(data ?? {}).map((value) => Buffer.from(value, 'base64').toString());
    return [...decoded, ...Object.values(stringData ?? {})]
      .map((value) => value.trim())
      .filter((value) => KEY.test(value));
  }
  return inline(spec);
}

/** Keys that were made on the nodes of a lab. */
export function keysMade(agents: string): string[] {
  return filesIn(agents)
    .filter(isKeyFile)
    .map((path) => readFileSync(path, 'utf8').trim())
    .filter((value) => KEY.test(value));
}

/** Where, among these files and texts, one of the keys stands: raw, in either base64, or in hex. */
export function findKeys(keys: Iterable<string>, places: Iterable<[name: string, content: Buffer]>): string[] {
  const spellings = [...keys]
    .flatMap((key) => [Buffer.from(key, 'base64'), clamped(key)])
    .flatMap((raw) => {
      const key = raw.toString('base64');
      const hex = raw.toString('hex');
      return [
        raw,
        ...[key, key.slice(0, -1), raw.toString('base64url'), hex, hex.toUpperCase()].map((text) => Buffer.from(text)),
      ];
    });
  return [...places]
    .filter(([, content]) => spellings.some((spelling) => content.includes(spelling)))
    .map(([name]) => name);
}

/** A private key as WireGuard shows it: with the bits set and cleared that Curve25519 ignores. */
export function clamped(key: string): Buffer {
  const raw = Buffer.from(key, 'base64');
  raw[0] = (raw[0] ?? 0) & 248;
  raw[31] = ((raw[31] ?? 0) & 127) | 64;
  return raw;
}

/** Files below a folder that may hold no key: all but those in which a node keeps its own, for its owner's eyes. */
export function publicFiles(folder: string): [string, Buffer][] {
  return filesIn(folder)
    .filter((path) => !isKeyFile(path))
    .map((path) => [path, readFileSync(path)]);
}

/** What every process of this machine shows of itself to others. */
export function commandLines(): [string, Buffer][] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid): [string, Buffer][] => {
      try {
        return [[`command line of ${pid}`, readFileSync(`/proc/${pid}/cmdline`)]];
      } catch {
        return [];
      }
    });
}

/** Values of `privateKey` and `presharedKey` anywhere in a spec. */
function inline(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    (name === 'privateKey' || name === 'presharedKey') && typeof inner === 'string' ? [inner] : inline(inner),
  );
}

const isKeyFile = (path: string) => /\/agents\/[^/]+\/keys\//.test(path);

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
      entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
    );
  } catch (error) {
    // A lab that was killed as it started has not made all its folders.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
