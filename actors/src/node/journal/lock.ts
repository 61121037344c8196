import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { JournalError, unusable } from './error.ts';

/** A held lock; the kernel releases it when the process ends, however it ends. */
export type Lock = { release(): void };

/**
 * Makes this process the only agent of a state folder. SQLite's exclusive lock on `agent.lock` is a POSIX file lock, so
 * none is left behind by kill -9; `agent.pid` beside it names the holder.
 * @throws JournalError code Locked, naming the holder's process id; NotWritable; Full
 */
export function lockFolder(folder: string): Lock {
  const pidFile = join(folder, 'agent.pid');
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(join(folder, 'agent.lock'), { timeout: 0 });
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
  } catch (cause) {
    database?.close();
    if ((cause as { errcode?: unknown }).errcode === 5) {
      throw new JournalError(
        'Locked',
        `another agent uses the state folder ${folder}${holder(pidFile)}; stop it first or give this one a folder of its own`,
      );
    }
    throw unusable(`write to the state folder ${folder}`, cause);
  }
  const held = database;
  return {
    release: () => {
      if (held.isOpen) held.close();
    },
  };
}

function holder(pidFile: string): string {
  try {
    return ` (process ${readFileSync(pidFile, 'utf8').trim()})`;
  } catch {
    return '';
  }
}
