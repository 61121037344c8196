import { existsSync, readdirSync, readFileSync, rmSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { dockerVersion, labContainers, removeContainers } from '../host/docker.ts';
import { LabError } from './error.ts';
import { systemClock } from '@ifactor/common';
import { endProcesses, isAlive, type ProcessIdentity } from '@ifactor/common/proc';
import { readManifest } from './manifest.ts';
import { netnsNames, netnsPrefix, removeNetns } from '../host/netns.ts';
import { labId, pathsOf } from './paths.ts';
import { awaitHelpers, endAll, marked, running, stop } from '../process/program.ts';
import type { Progress } from '../process/progress.ts';

/**
 * Removes all of a lab in any state: what its manifest lists and what is found by the lab's marks. Safe to repeat.
 * @returns false where there was nothing
 * @throws LabError naming what could not be removed; what is left of the manifest then allows another try
 */
export async function down(dir: string, progress: Progress, { keepLogs = false } = {}): Promise<boolean> {
  const manifest = readManifest(dir);
  const owner = manifest?.owner;
  if (owner && owner.pid !== process.pid && isAlive(owner)) {
    // It takes the lab down itself, and what it leaves is removed here.
    await progress.step(`stopping the lab's own process ${owner.pid}`, () =>
      endProcesses(systemClock, [owner], 'SIGTERM', 30_000),
    );
  }
  const before = manifest !== undefined || (await leftovers(dir)).length > 0;
  if (!before) return false;

  await awaitHelpers(dir);
  await progress.step('processes stopped', () => stopProcesses(dir));
  // No netns of ours is needed to find Docker's containers, nor the other way round.
  await Promise.all([
    progress.step('containers removed', () => dropContainers(dir, manifest?.runtime === 'docker')),
    progress.step('network namespaces removed', () => removeNetns(labId(dir))),
  ]);
  const left = await leftovers(dir);
  if (left.length > 0) throw new LabError(`could not be removed: ${left.join(', ')}; run \`ifactor lab down\` again`);
  removeFiles(dir, keepLogs);
  return true;
}

/** Agents first, as they would recreate what is removed. Then the API server's clients, then the servers. */
async function stopProcesses(dir: string): Promise<void> {
  const { run } = pathsOf(dir);
  const all = existsSync(run) ? readdirSync(run).map((file) => file.replace(/\.json$/, '')) : [];
  const order = [
    (part: string) => part.startsWith('agent-'),
    (part: string) => part === 'bridge' || part === 'controllers',
    (part: string) => part === 'apiserver',
    () => true,
  ];
  for (const belongs of order) {
    await Promise.all(all.filter((part) => belongs(part) && running(dir, part)).map((part) => stop(dir, part)));
  }
  await endAll(dir);
  await endProcesses(systemClock, wireguardProcesses(dir), 'SIGTERM', 1000);
}

/** Processes that serve WireGuard links, as their agents wrote them down. They outlive the agents. */
function wireguardProcesses(dir: string): ProcessIdentity[] {
  const { agents } = pathsOf(dir);
  return subfolders(agents).flatMap((agent) =>
    subfolders(join(agent, 'wireguard-go')).flatMap((folder) => {
      try {
        const record = JSON.parse(readFileSync(join(folder, 'record.json'), 'utf8')) as ProcessIdentity;
        return isAlive(record) ? [record] : [];
      } catch {
        // Cut short by a crash: the process is found in its node's netns.
        return [];
      }
    }),
  );
}

async function dropContainers(dir: string, expected: boolean): Promise<void> {
  if (await dockerVersion()) await removeContainers(dir);
  else if (expected)
    throw new LabError(
      'Docker does not answer, and this lab has containers there: start it, then run `ifactor lab down` again',
    );
}

/** What of the lab is still there. */
async function leftovers(dir: string): Promise<string[]> {
  const containers = (await dockerVersion()) ? await labContainers(dir) : [];
  return [
    ...marked(dir).map(({ pid }) => `process ${pid}`),
    ...wireguardProcesses(dir).map(({ pid }) => `process ${pid}`),
    ...containers.map(({ name }) => `container ${name}`),
    ...netnsNames()
      .filter((name) => name.startsWith(netnsPrefix(labId(dir))))
      .map((name) => `network namespace ${name}`),
  ];
}

/** Only what a lab makes: the folder may be a person's. */
function removeFiles(dir: string, keepLogs: boolean): void {
  const paths = pathsOf(dir);
  const { apiserver, kubeconfig, nats, natsConfig, natsCertificate, natsKey, agents, vm, run, logs, manifest } = paths;
  // The manifest last: as long as it is there, `down` can be tried again.
  for (const path of [
    apiserver,
    kubeconfig,
    nats,
    natsConfig,
    natsCertificate,
    natsKey,
    agents,
    vm,
    run,
    ...(keepLogs ? [] : [logs]),
    `${manifest}.new`,
    manifest,
  ]) {
    rmSync(path, { recursive: true, force: true });
  }
  try {
    rmdirSync(dir);
  } catch {
    // The folder holds other files or no longer exists.
  }
}

function subfolders(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}
