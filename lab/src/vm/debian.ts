import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDir } from '../cluster/paths.ts';
import { VmUnavailable } from './error.ts';

const run = promisify(execFile);

/** A Debian kernel, unpacked in the cache folder. */
export interface DebianKernel {
  /** As `uname -r` prints it in the guest. */
  release: string;
  /** Compressed image to boot. */
  image: string;
  /** Folder that holds `lib/modules/<release>`, indexed by depmod. */
  root: string;
}

/** Which of the kernels that Debian's archive offers to this machine. */
export type Age = 'oldest' | 'newest';

/**
 * Downloads a kernel package and unpacks it into the cache, unless one is there. Nothing is installed.
 * @throws VmUnavailable where apt offers no kernel.
 */
export async function debianKernel(age: Age, report: (line: string) => void = () => {}): Promise<DebianKernel> {
  const folder = cacheDir('kernel', age);
  return (await unpacked(folder)) ?? (await download(age, folder, report));
}

async function download(age: Age, folder: string, report: (line: string) => void): Promise<DebianKernel> {
  const name = choose(age, await offered());
  report(`downloading ${name}`);
  await mkdir(cacheDir('kernel'), { recursive: true });
  const work = await mkdtemp(cacheDir('kernel', '.partial-'));
  try {
    await run('apt-get', ['download', '-qq', '-o', 'APT::Sandbox::User=root', name], { cwd: work });
    const [archive] = await readdir(work);
    if (archive === undefined) throw new Error(`apt-get downloaded nothing for ${name}`);
    await run('dpkg', ['-x', join(work, archive), work]);
    await rm(join(work, archive));
    const kernel = await unpacked(work);
    if (!kernel) throw new Error(`${archive} holds no kernel`);
    await run('depmod', ['-b', work, kernel.release]);
    // Another process may have been faster; a whole folder is as good as ours.
    await rename(work, folder).catch(() => rm(work, { recursive: true }));
  } catch (cause) {
    await rm(work, { recursive: true, force: true });
    throw new VmUnavailable(
      `cannot unpack ${name} (it takes apt-get, dpkg, and depmod of the package kmod): ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
  const kernel = await unpacked(folder);
  if (!kernel) throw new VmUnavailable(`${folder} holds no kernel: remove that folder`);
  report(`unpacked ${name}`);
  return kernel;
}

async function unpacked(root: string): Promise<DebianKernel | undefined> {
  const [release] = await readdir(join(root, 'lib/modules')).catch(() => []);
  return release === undefined ? undefined : { release, image: join(root, 'boot', `vmlinuz-${release}`), root };
}

async function offered(): Promise<string[]> {
  const pattern = String.raw`^linux-image-[0-9][0-9.]*(-[0-9]+|\+deb[0-9]+)?-amd64$`;
  const { stdout } = await run('apt-cache', ['search', '--names-only', pattern]).catch((cause: unknown) => {
    throw new VmUnavailable('no apt-cache here: kernels for tests come from a Debian archive', { cause });
  });
  const names = stdout.split('\n').flatMap((line) => line.split(' ')[0] || []);
  if (names.length === 0) throw new VmUnavailable('apt offers no linux-image package for amd64: run apt-get update');
  return names;
}

/** The newest package of the oldest or newest series (`6.1`, `6.12`). Names without a full version are meta packages. */
export function choose(age: Age, names: readonly string[]): string {
  const versions = names
    .map((name) => ({ name, numbers: (name.match(/\d+/g) ?? []).map(Number) }))
    .filter(({ name }) => /^linux-image-\d+\.\d+\.\d/.test(name))
    .toSorted((a, b) => compare(a.numbers, b.numbers));
  const wanted = versions.at(age === 'oldest' ? 0 : -1);
  const series = versions.filter(
    ({ numbers }) => numbers[0] === wanted?.numbers[0] && numbers[1] === wanted?.numbers[1],
  );
  const newest = series.at(-1);
  if (!newest) throw new VmUnavailable(`none of ${names.join(', ')} is a kernel`);
  return newest.name;
}

function compare(a: readonly number[], b: readonly number[]): number {
  const place = a.findIndex((number, index) => number !== b[index]);
  return place === -1 ? a.length - b.length : (a[place] ?? 0) - (b[place] ?? 0);
}

if (import.meta.main) {
  for (const age of ['oldest', 'newest'] as const) {
    const { release } = await debianKernel(age, (line) => console.log(`kernel: ${line}`));
    console.log(`kernel: the ${age} is ${release}`);
  }
}
