import { statfsSync } from 'node:fs';
import { codeOf, UsageError } from '@ifactor/common';

const NSFS_MAGIC = 0x6e736673;

/** Checks at start that the home netns is one: later nothing could be made, and each interface would have to say so. @throws UsageError */
export function checkHomeNetns(path: string): void {
  const type = ((): number => {
    try {
      return statfsSync(path).type;
    } catch (cause) {
      if (codeOf(cause) !== 'ENOENT') throw new UsageError(`cannot open the home network namespace ${path}`, { cause });
      const name = /^\/run\/netns\/([^/]+)$/.exec(path)?.[1];
      const advice = name === undefined ? 'correct --netns' : `make it by: ip netns add ${name}`;
      throw new UsageError(`home network namespace ${path} does not exist; ${advice}`);
    }
  })();
  if (type !== NSFS_MAGIC) throw new UsageError(`${path} is not a network namespace; correct --netns`);
}
