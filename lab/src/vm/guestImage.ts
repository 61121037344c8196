import { join } from 'node:path';
import { onPath } from '../host/shell.ts';
import { accelerator, type Accelerator } from './accelerator.ts';
import { debianKernel, type Age, type DebianKernel } from './debian.ts';
import { VmUnavailable } from './error.ts';
import { makeInitramfs } from './initramfs.ts';

/** What it takes to boot a guest here. */
export type GuestImage = { program: string; kernel: DebianKernel; initrd: string; accel: Accelerator };

/**
 * Finds qemu and a kernel, which is downloaded unless it is in the cache, and makes what the guest boots from.
 * @param folder where the initramfs goes
 * @throws VmUnavailable if this machine lacks a program or a kernel package
 */
export async function guestImage(age: Age, folder: string, report: (line: string) => void): Promise<GuestImage> {
  const program = findQemu();
  const kernel = await debianKernel(age, report);
  const initrd = join(folder, 'initramfs');
  await makeInitramfs(kernel, initrd);
  return { program, kernel, initrd, accel: await accelerator(program, kernel) };
}

/** What this machine lacks to boot a guest of this kernel; undefined where it lacks nothing. */
export async function whyNoVm(age: Age): Promise<string | undefined> {
  try {
    findQemu();
    await debianKernel(age);
    return undefined;
  } catch (error) {
    if (error instanceof VmUnavailable) return error.message;
    throw error;
  }
}

function findQemu(): string {
  const program = onPath('qemu-system-x86_64');
  if (program === undefined)
    throw new VmUnavailable('qemu is missing: apt-get install --no-install-recommends qemu-system-x86');
  return program;
}
