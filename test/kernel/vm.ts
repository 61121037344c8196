import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onPath } from '../kube/path.ts';
import { accelerator, type Accelerator } from './accelerator.ts';
import { Commands, type RunOptions, type RunResult } from './commands.ts';
import { VmFailed, VmUnavailable } from './error.ts';
import { makeInitramfs } from './initramfs.ts';
import { debianKernel, type Age, type Kernel } from './kernel.ts';
import { startQemu, type Qemu } from './qemu.ts';

/** A running virtual machine: a Debian kernel on this machine's own file system, whose writes stay in its memory. */
export interface Vm {
  readonly release: string;
  readonly accelerator: Accelerator;
  /** From starting qemu to the agent's first word. */
  readonly bootMs: number;
  /**
   * Runs a command as root inside, whatever its exit code. The host's loopback is 10.0.2.2 there.
   * @throws VmFailed if it takes longer than `timeoutMs` (then it is killed), cannot be started, or the VM dies.
   */
  run(command: string[], options?: RunOptions): Promise<RunResult>;
  /** Everything that the kernel and init printed so far. */
  console(): Promise<string>;
  stop(): Promise<void>;
}

export interface VmOptions {
  kernel?: Age;
  memoryMb?: number;
  /** A boot that takes longer is killed. */
  bootTimeoutMs?: number;
  report?: (line: string) => void;
}

/**
 * Boots a virtual machine.
 * @throws VmUnavailable if this machine lacks a program or a kernel package, VmFailed if the guest does not come up.
 */
export async function startVm({ kernel: age = 'oldest', memoryMb = 1536, bootTimeoutMs = 120_000, report = () => {} }: VmOptions = {}): Promise<Vm> {
  const program = await onPath('qemu-system-x86_64');
  if (program === undefined) throw new VmUnavailable('qemu is missing: apt-get install --no-install-recommends qemu-system-x86');
  const kernel = await debianKernel(age, report);
  const dir = await mkdtemp(join(tmpdir(), 'ifactor-vm-'));
  const server = createServer().listen(0, '127.0.0.1');
  const started = Date.now();
  let qemu: Qemu | undefined;
  const stop = async () => {
    server.close();
    await qemu?.stop();
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await once(server, 'listening');
    const initrd = join(dir, 'initramfs');
    await makeInitramfs(kernel, initrd);
    const accel = await accelerator(program, kernel);
    const token = randomBytes(16).toString('hex');
    const consoleFile = join(dir, 'console');
    qemu = startQemu(program, { kernel, initrd, accel, memoryMb, consoleFile, words: words(kernel, server, token) });
    const booted = Date.now();
    const commands = await Promise.race([greeted(server, token, qemu), qemu.ended, timeout(bootTimeoutMs, qemu)]);
    const bootMs = Date.now() - booted;
    report(`Linux ${kernel.release} is up in a VM (${accel}, ${bootMs} ms, ${Date.now() - started} ms in all)`);
    return {
      release: kernel.release,
      accelerator: accel,
      bootMs,
      run: (command, options) => commands.run(command, options),
      console: () => readFile(consoleFile, 'utf8'),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function words(kernel: Kernel, server: Server, token: string): Record<string, string> {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a listening TCP server has an address');
  return {
    modules: join(kernel.root, 'lib/modules', kernel.release),
    node: process.execPath,
    agent: join(import.meta.dirname, 'guest.ts'),
    port: String(address.port),
    token,
  };
}

/** The first connection whose first word is our token; whoever else connects is turned away. */
function greeted(server: Server, token: string, qemu: Qemu): Promise<Commands> {
  return new Promise((resolve) => {
    server.on('connection', (socket) => {
      const commands = new Commands(socket, qemu, (said) => (said === token ? resolve(commands) : socket.destroy()));
    });
  });
}

async function timeout(ms: number, qemu: Qemu): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, ms).unref());
  throw new VmFailed(`the VM was not up within ${ms / 1000} s; its console ends:\n${await qemu.tail()}`);
}
