import { homedir } from 'node:os';
import { join } from 'node:path';

/** Folder for what is expensive to make and the same for every clone. `IFACTOR_CACHE` beats the XDG cache folder. */
export function cacheDir(...parts: string[]): string {
  const base =
    process.env['IFACTOR_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'ifactor');
  return join(base, ...parts);
}
