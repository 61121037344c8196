import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LabError } from '../cluster/error.ts';
import { capture, must, onPath } from './shell.ts';

const image = 'ifactor-lab:1';
const label = 'ifactor.lab';

/** Version of the engine; undefined if no engine responds. */
export async function dockerVersion(): Promise<string | undefined> {
  if (!onPath('docker')) return undefined;
  const { code, stdout } = await capture('timeout', ['5', 'docker', 'version', '--format', '{{.Server.Version}}']);
  return code === 0 ? stdout.trim() : undefined;
}

/** Makes the containers' image where the engine lacks it: a static busybox, imported, so that nothing is pulled. */
export async function ensureImage(): Promise<void> {
  if ((await capture('docker', ['image', 'inspect', image])).code === 0) return;
  const busybox = onPath('busybox');
  if (!busybox) throw new LabError('busybox is missing: apt-get install busybox-static');
  const folder = mkdtempSync(join(tmpdir(), 'ifactor-image-'));
  try {
    const root = join(folder, 'root');
    for (const name of ['bin', 'etc', 'tmp', 'root']) mkdirSync(join(root, name), { recursive: true });
    chmodSync(join(root, 'tmp'), 0o1777);
    cpSync(busybox, join(root, 'bin', 'busybox'), { dereference: true });
    const applets = (await must(busybox, ['--list'])).split('\n').filter((name) => name !== '' && name !== 'busybox');
    for (const name of applets) symlinkSync('busybox', join(root, 'bin', name));
    await must('tar', ['-C', root, '-cf', join(folder, 'image.tar'), '.']);
    await must('docker', ['import', join(folder, 'image.tar'), image]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Starts a container without a network and with nothing to do.
 * @returns the name that was free: the requested one, or that with the lab's id
 */
export async function startContainer(dir: string, id: string, name: string): Promise<string> {
  for (const real of [name, `${name}-${id}`]) {
    const { code, stderr } = await capture('docker', [
      'run',
      '--detach',
      '--name',
      real,
      '--hostname',
      name,
      '--label',
      `${label}=${dir}`,
      '--network',
      'none',
      // Docker turns IPv6 off in a netns without a network; on lo, that keeps a ping to ff02::1 from answering itself.
      '--sysctl',
      'net.ipv6.conf.lo.disable_ipv6=0',
      // Process 1 ignores SIGTERM unless it handles it; sleep has nothing to lose.
      '--stop-signal',
      'KILL',
      image,
      'sleep',
      'infinity',
    ]);
    if (code === 0) return real;
    if (!stderr.includes('is already in use'))
      throw new LabError(`docker run ${real} failed (${code}): ${stderr.trim()}`);
  }
  throw new LabError(
    `both names ${name} and ${name}-${id} are taken by other containers: docker rm one of them, or choose others with --container`,
  );
}

/** Netns file of a running container. */
export async function containerNetns(name: string): Promise<string> {
  const pid = (await must('docker', ['inspect', '--format', '{{.State.Pid}}', name])).trim();
  if (!/^[1-9]\d*$/.test(pid)) throw new LabError(`container ${name} is not running: docker start ${name}`);
  return `/proc/${pid}/ns/net`;
}

/** Containers of this lab, by their label. */
export async function labContainers(dir: string): Promise<{ name: string; state: string }[]> {
  const { code, stdout, stderr } = await capture('docker', [
    'ps',
    '--all',
    '--filter',
    `label=${label}=${dir}`,
    '--format',
    '{{.Names}} {{.State}}',
  ]);
  if (code !== 0) throw new LabError(`docker ps failed (${code}): ${stderr.trim()}`);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [name = '', state = ''] = line.split(' ');
      return { name, state };
    });
}

/** Removes every container of this lab. A container that no longer exists is not an error. */
export async function removeContainers(dir: string): Promise<string[]> {
  const names = (await labContainers(dir)).map(({ name }) => name);
  if (names.length === 0) return [];
  const { code, stderr } = await capture('docker', ['rm', '--force', '--volumes', ...names]);
  if (code !== 0 && (await labContainers(dir)).length > 0)
    throw new LabError(`docker rm ${names.join(' ')} failed: ${stderr.trim()}`);
  return names;
}
