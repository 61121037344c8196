import { readFileSync, readdirSync } from 'node:fs';

/** A process, told from a later one with its pid by when it started (clock ticks since boot, field 22 of /proc/PID/stat). */
export type Identity = { pid: number; startTime: string };

/** Undefined where no process has this pid, or only the remains of one. */
export function identify(pid: number): Identity | undefined {
  try {
    // The second field is the program's name in parentheses and may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    const startTime = fields[19];
    return fields[0] === 'Z' || fields[0] === 'X' || startTime === undefined ? undefined : { pid, startTime };
  } catch {
    return undefined;
  }
}

export function isAlive(process: Identity): boolean {
  return identify(process.pid)?.startTime === process.startTime;
}

/** Sends the signal to exactly that process; one that has ended is left to rest. */
export function signal(target: Identity, name: NodeJS.Signals): void {
  if (!isAlive(target)) return;
  try {
    process.kill(target.pid, name);
  } catch {
    // It ended in between.
  }
}

/**
 * Ends processes: `first`, then SIGKILL after `patience` ms. Resolves when all are gone.
 * They need not be children of ours, so only looking tells when one has ended.
 */
export async function end(targets: Identity[], first: NodeJS.Signals = 'SIGTERM', patience = 5000): Promise<void> {
  for (const target of targets) signal(target, first);
  const limit = Date.now() + patience;
  for (let killed = first === 'SIGKILL'; targets.some(isAlive);) {
    if (!killed && Date.now() > limit) {
      for (const target of targets) signal(target, 'SIGKILL');
      killed = true;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Processes whose environment has this line. Those of other users, where we may not look, are not among them. */
export function withEnvironment(line: string): Identity[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return [];
    try {
      if (!readFileSync(`/proc/${entry}/environ`, 'utf8').split('\0').includes(line)) return [];
    } catch {
      return [];
    }
    return identify(Number(entry)) ?? [];
  });
}
