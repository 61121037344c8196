import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { Accelerator } from './accelerator.ts';
import { VmFailed } from './error.ts';
import type { Kernel } from './kernel.ts';

export interface QemuOptions {
  kernel: Kernel;
  initrd: string;
  accel: Accelerator;
  memoryMb: number;
  /** Where the guest's console goes. */
  consoleFile: string;
  /** For init and the agent, on the kernel's command line as `ifactor.NAME=VALUE`. */
  words: Record<string, string>;
}

/** A qemu process, which the kernel kills should its starter die first. */
export interface Qemu {
  /** Rejects with VmFailed once the process has ended. Never resolves. */
  readonly ended: Promise<never>;
  /** Last lines of the guest's console. */
  tail(): Promise<string>;
  /** Ends it at once: the guest has nothing to save. */
  stop(): Promise<void>;
}

export function startQemu(program: string, { kernel, initrd, accel, memoryMb, consoleFile, words }: QemuOptions): Qemu {
  const append = ['console=ttyS0', 'panic=-1', 'mitigations=off', 'random.trust_cpu=on', 'nokaslr', 'loglevel=4'];
  for (const [name, value] of Object.entries(words)) append.push(`ifactor.${name}=${value}`);
  const flags = [
    '-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none',
    '-accel', accel === 'kvm' ? 'kvm' : 'tcg,thread=multi', '-cpu', accel === 'kvm' ? 'host' : 'max', '-smp', '2', '-m', String(memoryMb),
    '-kernel', kernel.image, '-initrd', initrd, '-append', append.join(' '),
    '-chardev', `file,id=console,path=${consoleFile}`, '-serial', 'chardev:console',
    '-fsdev', 'local,id=host,path=/,security_model=none,readonly=on,multidevs=remap', '-device', 'virtio-9p-pci,fsdev=host,mount_tag=host',
    '-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net,romfile=',
    '-device', 'virtio-rng-pci',
  ];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...flags], { stdio: ['ignore', 'ignore', 'pipe'] });
  const said = text(child.stderr);
  const closed = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal ?? `code ${code}`));
  });
  const tail = async () => (await readFile(consoleFile, 'utf8').catch(() => '')).replaceAll('\r', '').trimEnd().split('\n').slice(-100).join('\n');
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
