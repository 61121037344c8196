import { readdirSync, readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { run, type Lab } from './lab.ts';

/** What there is of a lab on this machine, found without asking the lab. */
export async function traces(lab: Lab): Promise<string[]> {
  const id = createHash('sha256').update(lab.dir).digest('hex').slice(0, 6);
  const names = [`ifactor-${id}-`, ...lab.containers];
  const netns = safe(() => readdirSync('/run/netns')).filter((name) => names.some((part) => name.startsWith(part)));
  const docker = await run('docker', ['ps', '--all', '--format', '{{.Names}}']).catch(() => ({ stdout: '' }));
  const containers = docker.stdout.split('\n').filter((name) => lab.containers.some((part) => name.startsWith(part)));
  return [
    ...netns.map((name) => `netns ${name}`),
    ...containers.map((name) => `container ${name}`),
    ...processes(lab).map((line) => `process ${line}`),
  ];
}

/** Processes that have the lab's folder in their arguments, environment or open files. */
function processes(lab: Lab): string[] {
  return safe(() => readdirSync('/proc')).flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    const read = (file: string) => safe(() => [readFileSync(`/proc/${pid}/${file}`, 'utf8')]).join('');
    const command = read('cmdline').replaceAll('\0', ' ');
    // What a process was started for, and (for wireguard-go, which keeps neither) which folder it serves.
    return [command, read('environ'), read('mountinfo')].some((said) => said.includes(lab.dir))
      ? [`${pid} ${command}`]
      : [];
  });
}

function safe<T>(act: () => T[]): T[] {
  try {
    return act();
  } catch {
    return [];
  }
}
