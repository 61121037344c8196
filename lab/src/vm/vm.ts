import { systemClock } from '@ifactor/common';
import { readFileSync, watch, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../host/port.ts';
import type { Accelerator } from './accelerator.ts';
import { captureGuest, type Captured } from './command.ts';
import type { Age } from './debian.ts';
import { VmFailed } from './error.ts';
import { guestImage, type GuestImage } from './guestImage.ts';
import { writeControl, type Control } from './protocol.ts';
import { guestReady, startQemu, type Qemu } from './qemu.ts';

export type RunOptions = {
  cwd?: string;
  /** Beside PATH and HOME, which are the host's. */
  env?: Record<string, string>;
  input?: string;
  timeoutMs?: number;
};

/** A running virtual machine: a Debian kernel on this machine's own file system, whose writes stay in its memory. */
export interface Vm {
  readonly release: string;
  readonly accelerator: Accelerator;
  /** From starting qemu to the first command that can be run. */
  readonly bootMs: number;
  /**
   * Runs a command as root inside, whatever its exit code. The host's loopback is 10.0.2.2 there.
   * @throws VmFailed if it takes longer than `timeoutMs` (then it is killed), cannot be started, or the VM dies.
   */
  run(command: string[], options?: RunOptions): Promise<Captured>;
  stop(): Promise<void>;
}

export type VmOptions = {
  kernel?: Age;
  memoryMb?: number;
  /** A boot that takes longer is killed. */
  bootTimeoutMs?: number;
  report?: (line: string) => void;
};

/**
 * Boots a virtual machine. It ends no later than this process.
 * @throws VmUnavailable if this machine lacks a program or a kernel package, VmFailed if the guest does not come up.
 */
export async function startVm({
  kernel: age = 'oldest',
  memoryMb = 1536,
  bootTimeoutMs = 120_000,
  report = () => {},
}: VmOptions = {}): Promise<Vm> {
  const started = systemClock.monotonic();
  const dir = await mkdtemp(join(tmpdir(), 'ifactor-vm-'));
  let qemu: Qemu | undefined;
  const stop = async () => {
    await qemu?.stop();
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const image = await guestImage(age, dir, report);
    const [port = 0] = await freePorts(1);
    const consoleFile = join(dir, 'console');
    const controlFile = join(dir, 'control.json');
    const control = writeControl(controlFile, port);
    writeFileSync(consoleFile, '');
    const booted = systemClock.monotonic();
    qemu = startQemu(image.program, { ...image, memoryMb, consoleFile, controlFile, port });
    await Promise.race([saysReady(consoleFile), qemu.ended, timeout(bootTimeoutMs, qemu)]);
    const bootMs = Math.round(systemClock.monotonic() - booted);
    report(
      `Linux ${image.kernel.release} is up in a VM (${image.accel}, ${bootMs} ms, ${Math.round(systemClock.monotonic() - started)} ms in all)`,
    );
    return machine(image, bootMs, control, qemu, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

function machine(
  { kernel, accel }: GuestImage,
  bootMs: number,
  control: Control,
  qemu: Qemu,
  stop: () => Promise<void>,
): Vm {
  return {
    release: kernel.release,
    accelerator: accel,
    bootMs,
    stop,
    async run(command, { cwd = process.cwd(), timeoutMs = 60_000, ...options } = {}) {
      const said: Buffer[] = [];
      const ended = captureGuest(control, command, {
        cwd,
        ...options,
        abort: AbortSignal.timeout(timeoutMs),
        onOutput: (_, data) => said.push(data),
      });
      try {
        return await Promise.race([ended, qemu.ended]);
      } catch (error) {
        // The other of the two.
        ended.catch(() => {});
        if (error instanceof VmFailed)
          throw new VmFailed(`${error.message}; the console ends:\n${await qemu.tail()}`, { cause: error });
        if (!(error instanceof Error) || error.name !== 'TimeoutError') throw error;
        throw new VmFailed(
          `${command.join(' ')} did not end within ${timeoutMs / 1000} s in the VM; it said:\n${Buffer.concat(said).toString()}\nthe console ends:\n${await qemu.tail()}`,
          { cause: error },
        );
      }
    },
  };
}

function saysReady(consoleFile: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const watcher = watch(consoleFile, () => {
    if (guestReady.test(readFileSync(consoleFile, 'utf8'))) resolve();
  });
  return promise.finally(() => watcher.close());
}

async function timeout(ms: number, qemu: Qemu): Promise<never> {
  await new Promise<void>((resolve) => systemClock.after(ms, resolve));
  throw new VmFailed(`the VM was not up within ${ms / 1000} s; its console ends:\n${await qemu.tail()}`);
}
