import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ownProgram } from '#files';
import type { Accelerator } from './accelerator.ts';
import type { DebianKernel } from './debian.ts';
import { VmFailed } from './error.ts';

/** Where the guest's own network is, in the network that qemu makes up for it. The host's loopback is `host` there. */
export const guestNetwork = { host: '10.0.2.2', guest: '10.0.2.15', port: 7 } as const;

export type QemuOptions = {
  kernel: DebianKernel;
  initrd: string;
  accel: Accelerator;
  memoryMb: number;
  /** The file that the guest's console is appended to. */
  consoleFile: string;
  /** File that holds `Control`: the port of 127.0.0.1 that leads into the guest, and the token. */
  controlFile: string;
  port: number;
};

/**
 * Arguments of qemu for a guest on this machine's own file system. Emulated, it has one processor. Of two, one now and then runs an
 * instruction that the other has just rewritten, as a booting kernel does with itself and node with what it compiles: of some twenty
 * guests one did not come up, and in two an agent ended by a segmentation fault. With one, all is a tenth to a quarter slower.
 */
export function qemuArguments({
  kernel,
  initrd,
  accel,
  memoryMb,
  consoleFile,
  controlFile,
  port,
}: QemuOptions): string[] {
  const words = {
    modules: join(kernel.root, 'lib/modules', kernel.release),
    node: process.execPath,
    agent: ownProgram('guest'),
    control: controlFile,
    port: String(guestNetwork.port),
  };
  const append = ['console=ttyS0', 'panic=-1', 'mitigations=off', 'random.trust_cpu=on', 'nokaslr', 'loglevel=4'];
  for (const [name, value] of Object.entries(words)) append.push(`ifactor.${name}=${value}`);
  return [
    '-nodefaults',
    '-no-user-config',
    '-no-reboot',
    '-display',
    'none',
    ...(accel === 'kvm'
      ? ['-accel', 'kvm', '-cpu', 'host', '-smp', '2']
      : ['-accel', 'tcg', '-cpu', 'max', '-smp', '1']),
    '-m',
    String(memoryMb),
    '-kernel',
    kernel.image,
    '-initrd',
    initrd,
    '-append',
    append.join(' '),
    '-chardev',
    `file,id=console,path=${consoleFile},append=on`,
    '-serial',
    'chardev:console',
    '-fsdev',
    'local,id=host,path=/,security_model=none,readonly=on,multidevs=remap',
    '-device',
    'virtio-9p-pci,fsdev=host,mount_tag=host',
    '-netdev',
    `user,id=net,hostfwd=tcp:127.0.0.1:${port}-${guestNetwork.guest}:${guestNetwork.port}`,
    '-device',
    'virtio-net-pci,netdev=net,romfile=',
    '-device',
    'virtio-rng-pci',
  ];
}

/** On its console, once it takes commands. */
export const guestReady = /^ifactor: ready/m;

/** A qemu process. The kernel kills it if its parent exits first. */
export interface Qemu {
  /** Rejects with VmFailed once the process has ended. Never resolves. */
  readonly ended: Promise<never>;
  /** Last lines of the guest's console. */
  tail(): Promise<string>;
  /** Ends it at once: the guest has nothing to save. */
  stop(): Promise<void>;
}

export function startQemu(program: string, options: QemuOptions): Qemu {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...qemuArguments(options)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said = text(child.stderr);
  const closed = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal ?? `code ${code}`));
  });
  const tail = async () =>
    (await readFile(options.consoleFile, 'utf8').catch(() => ''))
      .replaceAll('\r', '')
      .trimEnd()
      .split('\n')
      .slice(-100)
      .join('\n');
  const ended = closed.then(async (how): Promise<never> => {
    throw new VmFailed(`the VM ended (${how})\n${await said}its console ends:\n${await tail()}`);
  });
  ended.catch(() => {});
  const stop = async () => {
    child.kill('SIGKILL');
    await closed;
  };
  return { ended, tail, stop };
}
