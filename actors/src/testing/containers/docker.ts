/** For tests: containers of a real Docker engine, the machine's or one of the test's own. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readStat } from '@ifactor/common/proc';
import { onTestFinished } from 'vitest';
import { run, unique } from './harness.ts';

export const sharedSocket = (process.env['DOCKER_HOST'] ?? '/var/run/docker.sock').replace(/^unix:\/\//, '');

/** Why the tests with Docker are skipped; undefined where they can run. */
export function noDocker(): string | undefined {
  try {
    execFileSync('docker', ['-H', `unix://${sharedSocket}`, 'version'], { stdio: 'ignore', timeout: 5000 });
    execFileSync('busybox', ['true']);
    return undefined;
  } catch {
    return 'no Docker engine answers, or busybox (static) is not installed';
  }
}

export class Docker {
  readonly socket: string;
  readonly image: string;

  constructor(socket: string, image = `${unique()}:test`) {
    this.socket = socket;
    this.image = image;
  }

  async cli(...args: string[]): Promise<string> {
    return (await run('docker', ['-H', `unix://${this.socket}`, ...args])).stdout.trim();
  }

  /** Makes the image that `start` needs: a static busybox. */
  async import(): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'ift-image-'));
    try {
      mkdirSync(join(folder, 'root', 'bin'), { recursive: true });
      cpSync('/bin/busybox', join(folder, 'root', 'bin', 'busybox'), { dereference: true });
      symlinkSync('busybox', join(folder, 'root', 'bin', 'sleep'));
      await run('tar', ['-C', join(folder, 'root'), '-cf', join(folder, 'image.tar'), '.']);
      await this.cli('import', join(folder, 'image.tar'), this.image);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Starts a container without a network, removed when the test ends. */
  async start(name = unique()): Promise<string> {
    onTestFinished(() => this.drop('rm', '-f', name));
    await this.cli('run', '-d', '--stop-timeout', '0', '--network', 'none', '--name', name, this.image, 'sleep', '600');
    return name;
  }

  /** Runs a clean-up command; what it would remove may be gone. */
  async drop(...args: string[]): Promise<void> {
    await this.cli(...args).catch(() => {});
  }

  async pid(name: string): Promise<string> {
    return this.cli('inspect', '-f', '{{.State.Pid}}', name);
  }
}

/** A Docker engine of the test's own, which may be killed. */
export class OwnEngine {
  readonly folder = mkdtempSync(join(tmpdir(), 'ift-engine-'));
  readonly docker = new Docker(join(this.folder, 'docker.sock'));
  #process: ChildProcess | undefined;

  constructor() {
    onTestFinished(() => this.#remove());
  }

  /** Tries again where the machine is too busy: dockerd gives its containerd 15 s to come up. */
  async start(tries = 4): Promise<void> {
    const at = (name: string): string => join(this.folder, name);
    const log = openSync(at('log'), 'a');
    this.#process = spawn(
      'dockerd',
      [
        '--data-root',
        at('data'),
        '--exec-root',
        at('exec'),
        '--pidfile',
        at('pid'),
        '-H',
        `unix://${this.docker.socket}`,
        '--storage-driver',
        'vfs',
        '--iptables=false',
        '--bridge=none',
        '--ip-masq=false',
        '--live-restore',
      ],
      { stdio: ['ignore', log, log] },
    );
    closeSync(log);
    const ended = once(this.#process, 'exit').then(() => {
      throw new Error(`dockerd ended: ${readFileSync(at('log'), 'utf8').slice(-3000)}`);
    });
    try {
      await Promise.race([ended, this.#answers()]);
      ended.catch(() => {});
    } catch (error) {
      if (tries <= 1 || !String(error).includes('timeout waiting for containerd')) throw error;
      await this.start(tries - 1);
    }
  }

  async kill(): Promise<void> {
    if (!this.#process || this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }

  async #answers(): Promise<void> {
    for (let tries = 0; tries < 300; tries++) {
      if (
        await this.docker.cli('version').then(
          () => true,
          () => false,
        )
      )
        return;
      await new Promise((resolve) => {
        setTimeout(resolve, 100);
      });
    }
    throw new Error('dockerd does not answer');
  }

  /** Its containerd, shims and containers outlive it: they are known by this engine's folder or by being below one that is. */
  async #remove(): Promise<void> {
    await this.kill();
    for (let left = this.#processes(); left.length > 0; left = this.#processes()) {
      for (const pid of left) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          /* ended by itself */
        }
      }
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
    }
    const mounts = readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '');
    for (const mount of mounts.filter((path) => path.startsWith(this.folder)).toReversed())
      await run('umount', ['-l', mount]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #processes(): number[] {
    const all = readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && pid !== process.pid)
      .map((pid) => ({ pid, ...describe(pid) }));
    const ours = new Set(all.filter(({ command }) => command.includes(this.folder)).map(({ pid }) => pid));
    const below = all.filter(({ parent }) => ours.has(parent)).map(({ pid }) => pid);
    return [...ours, ...below.filter((pid) => !ours.has(pid))];
  }
}

function describe(pid: number): { command: string; parent: number } {
  try {
    return { command: readFileSync(`/proc/${pid}/cmdline`, 'latin1'), parent: readStat(pid)?.parent ?? 0 };
  } catch {
    return { command: '', parent: 0 };
  }
}
