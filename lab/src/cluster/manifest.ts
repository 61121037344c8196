import { chmodSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { UsageError } from '@ifactor/common';
import type { Age } from '../vm/debian.ts';
import { LabError } from './error.ts';
import type { ProcessIdentity } from '@ifactor/common/proc';
import { pathsOf } from './paths.ts';

export type LabNode = {
  name: string;
  /** Underlay address, `ADDRESS/LEN`. */
  address: string;
};

export type LabContainer = {
  /** As manifests name it. */
  name: string;
  /** As the engine or /run/netns names it: the same, or with the lab's id where that was taken. */
  real: string;
};

export type LabRuntime = 'docker' | 'netns';

/** What serves the Kubernetes API. */
export type LabCluster =
  | { kind: 'embedded'; port: number }
  | { kind: 'assets'; folder: string; port: number; clientPort: number; peerPort: number; token: string }
  | { kind: 'kubeconfig'; path: string };

/** What a lab consists of. Written before any of it is made, so that `down` finds what a crash left. */
export type Manifest = {
  version: 1;
  id: string;
  dir: string;
  /** `starting`: may be incomplete. */
  phase: 'starting' | 'ready';
  /** The process that starts the lab, or stays with it in the foreground. */
  owner: ProcessIdentity | null;
  runtime: LabRuntime;
  /** The virtual machine that nodes and containers are in; null: they are on this machine. */
  vm: { kernel: Age; port: number } | null;
  nodes: LabNode[];
  containers: LabContainer[];
  /**
   * `users`: the password of each, by `userOf`. `prefix`: prepended to all names in NATS, from IFACTOR_PREFIX when the lab was
   * started; absent if not set.
   */
  nats: { program: string; port: number; users: Record<string, string>; prefix?: string };
  cluster: LabCluster;
  /** The inspector's page, and the token that it asks for. */
  ui: { port: number; token: string };
};

/** The lab of this folder; undefined if the folder holds no lab. @throws LabError on a file of another program */
export function readManifest(dir: string): Manifest | undefined {
  const path = pathsOf(dir).manifest;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new LabError(`cannot read ${path}`, { cause });
  }
  try {
    const value = JSON.parse(text) as Manifest;
    if (value.version === 1 && value.dir === dir) return value;
  } catch {
    // Said below.
  }
  throw new LabError(
    `${path} is not the state of a lab in this folder (was it moved or copied?): remove it, or use another --dir`,
  );
}

/** The running lab of this folder. @throws UsageError if no lab runs */
export function needManifest(dir: string): Manifest {
  const manifest = readManifest(dir);
  if (!manifest)
    throw new UsageError(`no lab in ${dir}: start one with \`ifactor lab up --detach\`, or name its folder with --dir`);
  return manifest;
}

/** Writes a new lab's manifest. @throws UsageError where another lab was faster */
export function createManifest(manifest: Manifest): void {
  try {
    writeFileSync(pathsOf(manifest.dir).manifest, spell(manifest), { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw new UsageError(`another lab has just been started in ${manifest.dir}`, { cause });
  }
}

/** In one step, so that a crash leaves the old or the new one. Readable by its owner only: it holds the NATS password. */
export function saveManifest(manifest: Manifest): void {
  const path = pathsOf(manifest.dir).manifest;
  writeFileSync(`${path}.new`, spell(manifest), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function spell(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** Makes the lab's folder. @throws UsageError where it holds something else, or cannot be made */
export function claimDir(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const strangers = readdirSync(dir).filter((entry) => entry !== 'logs');
    if (strangers.length > 0)
      throw new UsageError(
        `${dir} is not empty (${strangers.slice(0, 3).join(', ')}): give a folder of its own with --dir`,
      );
    chmodSync(dir, 0o700);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(`cannot make the lab's folder ${dir}`, { cause });
  }
}
