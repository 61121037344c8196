import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

/**
 * Keeps what V8 makes of the modules that are loaded from now on in `<state folder>/compiled/<version>`, which is written when the
 * process ends, so that the next start compiles nothing; removes what other versions left there. Without effect where the state folder
 * does not exist yet, or cannot be written: opening the journal reports that.
 */
export function keepCompiled(stateDir: string, version: string): void {
  const folder = join(stateDir, 'compiled');
  try {
    for (const path of [folder, join(folder, version)]) makeIfMissing(path);
    for (const name of readdirSync(folder)) if (name !== version) rmSync(join(folder, name), { recursive: true });
    enableCompileCache(join(folder, version));
  } catch {
    // Without the cache only the start takes longer.
  }
}

/** Not recursive: the state folder itself is made by who checks it. */
function makeIfMissing(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
