import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import type { DebianKernel } from './debian.ts';

export type Accelerator = 'kvm' | 'tcg';

/** Timeout of the probe. A guest that runs under KVM prints its kernel version well within this time. */
const FIRST_WORD_MS = 5000;

let known: Promise<Accelerator> | undefined;

/**
 * KVM if it can run guests, else emulation. In a nested VM, /dev/kvm can exist without being able to start a guest.
 * Therefore a kernel is test-booted, once per process. IFACTOR_ACCEL (`kvm`, `tcg`) overrides the probe.
 */
export function accelerator(qemu: string, kernel: DebianKernel): Promise<Accelerator> {
  const wanted = process.env['IFACTOR_ACCEL'];
  if (wanted === 'kvm' || wanted === 'tcg') return Promise.resolve(wanted);
  known ??= probe(qemu, kernel);
  return known;
}

async function probe(qemu: string, kernel: DebianKernel): Promise<Accelerator> {
  if (
    !(await access('/dev/kvm', constants.R_OK | constants.W_OK).then(
      () => true,
      () => false,
    ))
  )
    return 'tcg';
  const flags = [
    '-accel',
    'kvm',
    '-cpu',
    'host',
    '-m',
    '256',
    '-nodefaults',
    '-no-user-config',
    '-display',
    'none',
    '-no-reboot',
    '-serial',
    'stdio',
  ];
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', '--', qemu, ...flags, '-kernel', kernel.image, '-append', 'console=ttyS0 panic=-1'],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: FIRST_WORD_MS,
      killSignal: 'SIGKILL',
    },
  );
  let spoke = false;
  child.stdout.on('data', (text: Buffer) => {
    if (!text.includes('Linux version')) return;
    spoke = true;
    child.kill('SIGKILL');
  });
  await new Promise((resolve) => {
    child.once('error', resolve);
    child.once('close', resolve);
  });
  return spoke ? 'kvm' : 'tcg';
}
