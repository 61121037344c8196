/** Calls when a path may have appeared, vanished or been replaced, wherever along the path that happens. */
import { existsSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';

/**
 * Watches the path's directory or, where that does not exist, the nearest folder above that does. Calls too often rather
 * than too seldom. A mount over an existing file is no event, and /proc has no events: poll for those as well. Where the kernel
 * refuses a watch (its limit is reached), it is never called.
 */
export function watchPath(path: string, changed: () => void): () => void {
  let watcher: FSWatcher | undefined;

  const arm = (): void => {
    watcher?.close();
    watcher = undefined;
    for (let tries = 0; tries < 5; tries++) {
      const [directory, awaited] = nearest(path);
      try {
        watcher = watch(directory, { persistent: false }, (_type, name) => {
          // The directory's own removal is an event under its own name.
          const own = name === null || name === basename(directory);
          if (!own && name !== awaited) return;
          if (own || directory !== dirname(path)) arm();
          changed();
        });
        watcher.on('error', () => {
          watcher?.close();
        });
      } catch {
        continue;
      }
      // What appeared between the look and the watch causes no event.
      if (nearest(path)[0] === directory) return;
      watcher.close();
    }
  };

  arm();
  return () => {
    watcher?.close();
  };
}

/** The deepest folder on the way to `path` that exists, and the entry in it that the way goes on by. */
function nearest(path: string): [directory: string, awaited: string] {
  let at = path;
  while (dirname(at) !== at && !existsSync(dirname(at))) at = dirname(at);
  return [dirname(at), basename(at)];
}
