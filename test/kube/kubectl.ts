import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { realpath, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheDir } from '../lane/cache.ts';
import { KUBE_VERSION } from './build.ts';
import { executable, onPath } from './path.ts';

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a kubectl to its end, whatever its exit code. Its discovery cache lies beside the kubeconfig, not in the user's home. */
export async function kubectl(program: string, kubeconfig: string, args: string[], input = ''): Promise<Ran> {
  const child = spawn(program, ['--kubeconfig', kubeconfig, '--cache-dir', `${kubeconfig}.cache`, ...args], {
    stdio: 'pipe',
  });
  child.stdin.on('error', () => {}); // It may end before it has read everything.
  child.stdin.end(input);
  const code = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}

/** Path of the kubectl built beside the API server. */
export function newestKubectl(): string {
  return cacheDir('kube', KUBE_VERSION, 'kubectl');
}

/**
 * Every kubectl to be had here, by version (`1.29`): those that lie beside the one on PATH as `kubectl.1.29`, and the one
 * built beside the API server. Versions before 1.29 are left out: they are not supported.
 */
export async function kubectls(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const first = await onPath('kubectl');
  const folder = first === undefined ? undefined : dirname(await realpath(first));
  for (const name of folder === undefined ? [] : (await readdir(folder)).toSorted()) {
    const [, version, minor] = /^kubectl\.(1\.(\d+))$/.exec(name) ?? [];
    if (version !== undefined && Number(minor) >= 29 && folder !== undefined) found.set(version, join(folder, name));
  }
  const newest = newestKubectl();
  if (await executable(newest)) found.set(KUBE_VERSION.split('.').slice(0, 2).join('.').slice(1), newest);
  return found;
}
