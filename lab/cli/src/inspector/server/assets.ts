import { readFile } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
};

export type Asset = { body: Buffer; type: string; cache: string };

/** A file of the built page by the path of its address; null if it does not exist. Nothing outside the folder is served. */
export async function assetOf(folder: string, path: string): Promise<Asset | null> {
  let name: string;
  try {
    name = normalize(decodeURIComponent(path === '/' ? '/index.html' : path));
  } catch {
    return null;
  }
  const type = types[extname(name)];
  // Vite's own files are in a folder whose name begins with a dot.
  if (type === undefined || name.includes('\0') || name.split(sep).some((part) => part.startsWith('.'))) return null;
  try {
    const body = await readFile(join(folder, name));
    // Names of files in assets/ change with what is in them.
    return {
      body,
      type,
      cache: name.startsWith(`${sep}assets${sep}`) ? 'public, max-age=31536000, immutable' : 'no-cache',
    };
  } catch {
    return null;
  }
}
