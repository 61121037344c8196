import { existsSync } from 'node:fs';
import { LabError } from '../cluster/error.ts';
import { hasKind } from './kernel.ts';
import type { LabRuntime } from '../cluster/manifest.ts';
import { findNats } from './natsBinary.ts';
import { capture, onPath } from './shell.ts';

/** Debian's package of each program that a lab may need. */
const packageOf: Record<string, string> = {
  ip: 'iproute2',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  mount: 'mount',
  ping: 'iputils-ping',
  wg: 'wireguard-tools',
  'wireguard-go': 'wireguard-go',
  busybox: 'busybox-static',
  pip3: 'python3-pip',
  setpriv: 'util-linux',
  'qemu-system-x86_64': 'qemu-system-x86',
  cpio: 'cpio',
  xz: 'xz-utils',
  depmod: 'kmod',
};

/** Programs that this machine lacks for a lab of this runtime, in a virtual machine or not. */
export async function missingPrograms(runtime: LabRuntime, vm: boolean): Promise<string[]> {
  const first = ['ip', 'nsenter', 'unshare', 'mount', 'wg', runtime === 'docker' ? 'busybox' : 'ping'];
  const guest = ['qemu-system-x86_64', 'busybox', 'setpriv', 'cpio', 'xz', 'depmod'];
  const needed = [
    ...first,
    ...(vm ? guest : (await userspaceWireguard()) ? ['wireguard-go'] : []),
    ...((await findNats()) ? [] : ['pip3']),
  ];
  return needed.filter((program) => !onPath(program));
}

/** Whether this machine uses wireguard-go for WireGuard; also true if the kernel cannot be probed yet. */
async function userspaceWireguard(): Promise<boolean> {
  return !(await hasKind('wireguard'));
}

/**
 * Installs the packages of these programs by apt, after saying so.
 * @throws LabError with the command to run where this machine has no apt, or we are not root
 */
export async function install(programs: string[], say: (line: string) => void): Promise<void> {
  const packages = [...new Set(programs.map((program) => packageOf[program] ?? program))];
  const command = `apt-get install --no-install-recommends ${packages.join(' ')}`;
  if (!onPath('apt-get') || !existsSync('/etc/debian_version') || process.getuid?.() !== 0) {
    throw new LabError(`${programs.join(', ')} missing: run \`${command}\`, or install them with your package manager`);
  }
  say(`installing ${packages.join(', ')} (${command})`);
  const options = ['install', '--yes', '--quiet', '--no-install-recommends', ...packages];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  if ((await capture('apt-get', options, { env })).code !== 0) {
    await capture('apt-get', ['update', '--quiet'], { env });
    const { code, stderr } = await capture('apt-get', options, { env });
    if (code !== 0) throw new LabError(`${command} failed (${code}): ${stderr.trim().split('\n').slice(-3).join(' ')}`);
  }
  const left = programs.filter((program) => !onPath(program));
  if (left.length > 0) throw new LabError(`${command} succeeded, but ${left.join(', ')} is still not on PATH`);
}
