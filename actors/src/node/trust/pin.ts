import { existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import { isPublicKey } from '@ifactor/common/signature';
import { z } from 'zod';
import { writeDraft } from '../secrets/privateFile.ts';

/**
 * Whose messages a node accepts. `cluster` is null until a message names one. `since`: when a person, or the first signed message,
 * chose the key; revisions that were accepted before it do not count.
 */
const PinSchema = z.object({
  key: z.string().refine(isPublicKey, 'it spells no key'),
  cluster: z.string().nullable(),
  since: z.string(),
});
export type Pin = z.infer<typeof PinSchema>;

const fileOf = (folder: string): string => join(folder, 'trust.json');

/** The pin in a state folder; null if there is no file. @throws Error if the file is damaged: without it, anybody would be believed */
export function readPin(folder: string): Pin | null {
  const path = fileOf(folder);
  if (!existsSync(path)) return null;
  try {
    return PinSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new Error(`${path} is damaged: run ifactor-agent trust KEY with the bridge's key`, { cause });
  }
}

/** Whole or as before, also after a crash. @throws the file system's errors */
export function writePin(folder: string, pin: Pin): void {
  const path = fileOf(folder);
  renameSync(writeDraft(path, `${JSON.stringify(pin, null, 2)}\n`), path);
}

/** Distinguishes one version of the file from another; '' where the file is missing. */
export function pinVersion(folder: string): string {
  const found = statSync(fileOf(folder), { throwIfNoEntry: false });
  return found === undefined ? '' : `${found.ino} ${found.mtimeMs}`;
}

/**
 * Makes a node accept what this key signed, of whatever cluster and revision, and nothing else.
 * @returns what to tell the person
 * @throws UsageError if it spells no key, or there is no state folder
 */
export function trustKey(folder: string, key: string, clock: Pick<Clock, 'now'>): string {
  if (!isPublicKey(key))
    throw new UsageError(
      `${JSON.stringify(key)} is not the key of a bridge, which its log shows as ed25519:… (51 characters)`,
    );
  if (!existsSync(folder))
    throw new UsageError(
      `there is no state folder ${folder}: give --state-dir, or start the agent with --trust ${key}`,
    );
  const before = (() => {
    try {
      return readPin(folder)?.key ?? 'no key';
    } catch {
      return 'a damaged file';
    }
  })();
  writePin(folder, { key, cluster: null, since: new Date(clock.now()).toISOString() });
  return `trusted from now on: ${key}; before: ${before}. A running agent follows within 5 s and reads the desired state again`;
}
