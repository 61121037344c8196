import { dockerVersion, labContainers } from '../host/docker.ts';
import type { Manifest } from './manifest.ts';
import { netnsNamesOf, netnsPath, nodeNetns } from '../host/netns.ts';
import { running } from '../process/program.ts';
import { parts } from './programs.ts';

export type PartStatus = { name: string; up: boolean; detail: string };

/** Every part of a lab, and whether it is there. */
export async function statusOf(lab: Manifest): Promise<PartStatus[]> {
  const processes = parts(lab).map((part) => {
    const who = running(lab.dir, part);
    return {
      name: part,
      up: who !== undefined,
      detail: who ? `process ${who.pid}` : `not running: ifactor lab restart ${part}`,
    };
  });
  const there = new Set(await netnsNamesOf(lab));
  const where = lab.vm ? ' of the VM' : '';
  const nodes = lab.nodes.map(({ name, address }) => {
    const netns = nodeNetns(lab.id, name);
    return { name: `node ${name}`, up: there.has(netns), detail: `${address} in ${netnsPath(netns)}${where}` };
  });
  if (lab.runtime === 'docker') return [...processes, ...nodes, ...(await containers(lab))];
  return [
    ...processes,
    ...nodes,
    ...lab.containers.map(({ name, real }) => ({
      name: `container ${name}`,
      up: there.has(real),
      detail: `${netnsPath(real)}${where}`,
    })),
  ];
}

async function containers(lab: Manifest): Promise<PartStatus[]> {
  const found = (await dockerVersion()) ? await labContainers(lab.dir) : [];
  return lab.containers.map(({ name, real }) => {
    const state = found.find((one) => one.name === real)?.state ?? 'gone';
    return { name: `container ${name}`, up: state === 'running', detail: `Docker's ${real}: ${state}` };
  });
}
