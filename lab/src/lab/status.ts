import { dockerVersion, labContainers } from './docker.ts';
import type { Manifest } from './manifest.ts';
import { inode, netnsPath, nodeNetns } from './netns.ts';
import { running } from './program.ts';
import { parts } from './programs.ts';

export type PartStatus = { name: string; up: boolean; detail: string };

/** Every part of a lab, and whether it is there. */
export async function statusOf(lab: Manifest): Promise<PartStatus[]> {
  const processes = parts(lab).map((part) => {
    const who = running(lab.dir, part);
    return { name: part, up: who !== undefined, detail: who ? `process ${who.pid}` : `not running: ifactor lab restart ${part}` };
  });
  const nodes = lab.nodes.map(({ name, address }) => {
    const path = netnsPath(nodeNetns(lab.id, name));
    return { name: `node ${name}`, up: inode(path) !== undefined, detail: `${address} in ${path}` };
  });
  return [...processes, ...nodes, ...(await containers(lab))];
}

async function containers(lab: Manifest): Promise<PartStatus[]> {
  if (lab.runtime === 'netns') {
    return lab.containers.map(({ name, real }) => ({ name: `container ${name}`, up: inode(netnsPath(real)) !== undefined, detail: netnsPath(real) }));
  }
  const found = (await dockerVersion()) ? await labContainers(lab.dir) : [];
  return lab.containers.map(({ name, real }) => {
    const state = found.find((one) => one.name === real)?.state ?? 'gone';
    return { name: `container ${name}`, up: state === 'running', detail: `Docker's ${real}: ${state}` };
  });
}
