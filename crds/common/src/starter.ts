import { readFileSync } from 'node:fs';
import { every } from './clock.ts';
import type { Clock } from './clock.ts';
import { readStat } from './proc.ts';

const checkIntervalMs = 500;
const shells = ['sh', 'dash', 'bash', 'busybox'];

/**
 * Calls back once the `npm` or `npx` that started this process has ended: it starts a shell, which starts the program, and a signal
 * that ends npm reaches at most the shell. Never calls where something else started the process: a daemon may outlive that.
 */
export function whenStarterEnds(clock: Clock, call: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  const above = shells.includes(nameOf(parent)) ? parentOf(parent) : undefined;
  const end = every(clock, checkIntervalMs, () => {
    if (process.ppid === parent && (above === undefined || parentOf(parent) === above)) return;
    end();
    call();
  });
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

function parentOf(pid: number): number | undefined {
  try {
    return readStat(pid)?.parent;
  } catch {
    // /proc hides it from us: then only our own parent is watched.
    return undefined;
  }
}
