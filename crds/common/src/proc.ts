/** Processes as /proc shows them. Source: proc_pid_stat(5). */
import { readFileSync, readdirSync } from 'node:fs';
import type { Clock } from './clock.ts';
import { sleep } from './wait.ts';

/** Of /proc/PID/stat; times in clock ticks (10 ms), `startTime` since boot. */
export type ProcessStat = { state: string; parent: number; cpuTicks: number; startTime: string };

/** A process, distinguished from a later one with the same pid by its start time and the boot of the machine. */
export type ProcessIdentity = {
  pid: number;
  /** Clock ticks since boot. */
  startTime: string;
  /** Absent in records of older versions: then it is not compared. */
  boot?: string;
};

/**
 * Undefined if no process has this pid, or only a zombie.
 * @throws EACCES or EPERM if /proc does not show it to us
 */
export function readStat(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') throw error;
    return undefined;
  }
}

/** Undefined if only a zombie is left. The second field, the process name, may contain any text, even `) `. */
export function parseStat(line: string): ProcessStat | undefined {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const [state = '', parent] = fields;
  const startTime = fields[19];
  if (state === 'Z' || state === 'X' || state === '' || startTime === undefined) return undefined;
  return { state, parent: Number(parent), cpuTicks: Number(fields[11]) + Number(fields[12]), startTime };
}

/** Changes with each boot of the machine. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** Undefined if no running process has this pid, or we may not read it. */
export function identify(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readStat(pid);
    return stat && { pid, startTime: stat.startTime, boot: bootId() };
  } catch {
    return undefined;
  }
}

export function isAlive({ pid, startTime, boot }: ProcessIdentity): boolean {
  const now = identify(pid);
  return now !== undefined && now.startTime === startTime && (boot === undefined || now.boot === boot);
}

/** Sends the signal to exactly that process; does nothing if it has ended. */
export function signalProcess(target: ProcessIdentity, name: NodeJS.Signals): void {
  if (!isAlive(target)) return;
  try {
    process.kill(target.pid, name);
  } catch {
    // It ended in between.
  }
}

/** Polling interval for a process that is not our child: the kernel does not report its end to us. */
const exitCheckMs = 10;

/**
 * Ends processes: `first`, then SIGKILL after `patienceMs`. Resolves when all have ended. They need not be children of
 * ours, so this polls.
 */
export async function endProcesses(
  clock: Clock,
  targets: readonly ProcessIdentity[],
  first: NodeJS.Signals = 'SIGTERM',
  patienceMs = 5000,
): Promise<void> {
  for (const target of targets) signalProcess(target, first);
  const limit = clock.monotonic() + patienceMs;
  for (let killed = first === 'SIGKILL'; targets.some(isAlive);) {
    if (!killed && clock.monotonic() > limit) {
      for (const target of targets) signalProcess(target, 'SIGKILL');
      killed = true;
    }
    await sleep(clock, exitCheckMs);
  }
}

/** Processes whose environment has this line, except our own. Those of other users, which we may not read, are left out. */
export function processesWithEnvironment(line: string): ProcessIdentity[] {
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
