import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { initScript } from '#files';
import { onPath } from '../host/shell.ts';
import { VmUnavailable } from './error.ts';
import type { DebianKernel } from './debian.ts';

const run = promisify(execFile);

/** What it takes to reach the host's file system and loopback from inside. */
const MODULES = ['virtio_pci', 'virtio_net', 'virtio_rng', '9pnet_virtio', '9p', 'overlay'];

/**
 * Makes the archive that the kernel unpacks at boot: a static busybox, init.sh and the modules it loads.
 * @throws VmUnavailable if a program for that is missing.
 */
export async function makeInitramfs(kernel: DebianKernel, path: string): Promise<void> {
  const busybox = onPath('busybox');
  if (busybox === undefined)
    throw new VmUnavailable('busybox is missing: apt-get install --no-install-recommends busybox-static');
  const work = await mkdtemp(join(tmpdir(), 'ifactor-initramfs-'));
  try {
    for (const name of ['bin', 'lib', 'proc', 'sys', 'dev', 'host', 'over', 'root']) await mkdir(join(work, name));
    await copyFile(busybox, join(work, 'bin/busybox'));
    await writeFile(join(work, 'init'), await readFile(initScript()), { mode: 0o755 });
    const modules = await withDependencies(kernel);
    for (const file of modules) await unpack(file, join(work, 'lib', plain(file)));
    await writeFile(join(work, 'lib/order'), modules.map((file) => `${plain(file)}\n`).join(''));
    await mkdir(dirname(path), { recursive: true });
    await run('sh', ['-c', 'cd "$1" && find . | cpio --quiet -o -H newc >"$2.partial"', 'sh', work, path]);
    await rename(`${path}.partial`, path);
  } catch (cause) {
    throw new VmUnavailable(
      `cannot make an initramfs (it takes modprobe of the package kmod, cpio and xz-utils): ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  } finally {
    await rm(work, { recursive: true });
  }
  await stat(path);
}

/** Files of the modules and of all that they need, in an order in which they can be loaded. */
async function withDependencies({ root, release }: DebianKernel): Promise<string[]> {
  const files = new Set<string>();
  for (const name of MODULES) {
    const { stdout } = await run('modprobe', ['-d', root, '-S', release, '--show-depends', name]);
    for (const [, file] of stdout.matchAll(/^insmod (\S+)/gm)) if (file !== undefined) files.add(file);
  }
  return [...files];
}

function plain(file: string): string {
  return basename(file).replace(/\.xz$/, '');
}

async function unpack(file: string, to: string): Promise<void> {
  if (!file.endsWith('.xz')) return copyFile(file, to);
  const { stdout } = await run('xz', ['-dc', file], { encoding: 'buffer', maxBuffer: 64 * 2 ** 20 });
  await writeFile(to, stdout);
}
