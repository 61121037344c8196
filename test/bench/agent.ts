/** A real agent process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { readStat } from '@ifactor/common/proc';
import type { KV } from '@nats-io/kv';
import { end, own } from './processes.ts';

const main = fileURLToPath(new URL('../../actors/src/main.ts', import.meta.url));

export type Agent = { stop: () => Promise<void>; cpu: () => number; memory: () => number };

export type AgentOptions = {
  node: string;
  nats: string;
  netns: string;
  /** For state and log. */
  folder: string;
  nodes: KV;
  /** Folder for CPU profiles; absent: none are taken. */
  profile?: string;
};

/** Resolves when the agent has made itself known in NATS. */
export async function startAgent({ node, nats, netns, folder, nodes, profile }: AgentOptions): Promise<Agent> {
  await mkdir(folder, { recursive: true });
  const log = join(folder, 'log');
  const fd = openSync(log, 'w');
  const child = own(
    spawn(
      process.execPath,
      [
        ...(profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profile, '--cpu-prof-interval', '500']),
        main,
        '--node',
        node,
        '--nats',
        nats,
        '--state-dir',
        join(folder, 'state'),
        '--netns',
        `/run/netns/${netns}`,
      ],
      { stdio: ['ignore', fd, fd] },
    ),
  );
  closeSync(fd);
  for (let tries = 0; tries < 400 && child.exitCode === null; tries++) {
    const entry = await nodes.get(node);
    if (entry?.operation === 'PUT') {
      return { stop: () => end(child), cpu: () => cpuOf(child), memory: () => memoryOf(child) };
    }
    await sleep(25);
  }
  const ended = child.exitCode !== null;
  await end(child);
  throw new Error(
    `the agent ${ended ? 'has ended' : 'does not make itself known'}:\n${readFileSync(log, 'utf8').slice(-2000)}`,
  );
}

/** Milliseconds of CPU time so far, user and system; a clock tick is 10 ms. */
function cpuOf({ pid }: ChildProcess): number {
  return (readStat(pid ?? 0)?.cpuTicks ?? 0) * 10;
}

/** Resident megabytes. */
function memoryOf({ pid }: ChildProcess): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024;
}
