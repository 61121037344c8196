/** A lab driven from outside: by its command line, the real kubectl, and the tools of this machine. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { labPrefix } from '../lane/interrupt.ts';
import { commandLines, findKeys, keysIn, keysMade, keysOf, publicFiles } from './keys.ts';

/** Of `ifactor lab up`: containers of Docker, named netns, or those of a virtual machine. */
export type Runtime = 'docker' | 'netns' | 'vm';
export type Result = { code: number | null; stdout: string; stderr: string };

const main = join(dirname(fileURLToPath(import.meta.resolve('@ifactor/cli'))), 'main.ts');
/** Folder of the manifests that users are shown. */
export const examples = join(dirname(fileURLToPath(import.meta.resolve('@ifactor/crds'))), '..', 'examples');
let count = 0;

export async function run(program: string, args: string[], { env = process.env, input = '' } = {}): Promise<Result> {
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, stdout, stderr };
}

/** Runs a program that has to succeed. */
async function must(
  program: string,
  args: string[],
  options: { env?: NodeJS.ProcessEnv; input?: string } = {},
): Promise<string> {
  return succeeded(await run(program, args, options), `${program} ${args.join(' ')}`);
}

/** What it printed. @throws with all its words where it failed */
export function succeeded({ code, stdout, stderr }: Result, what = 'it'): string {
  if (code !== 0) throw new Error(`${what} ended with ${code}: ${stdout}${stderr}`);
  return stdout;
}

/** `ifactor` with these arguments, to its end. */
export function ifactor(...args: string[]): Promise<Result> {
  return run(process.execPath, [main, ...args]);
}

/** `ifactor` with these arguments, running. */
export function spawnIfactor(...args: string[]): ChildProcess {
  return spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Asks again until `act` no longer throws: for what the far side of a network or a kernel offers no event for. */
export async function eventually<T>(act: () => Promise<T> | T, patience = 60_000): Promise<T> {
  const limit = Date.now() + patience;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (Date.now() > limit) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** A detached lab with containers of its own names, in a folder of its own. */
export class Lab {
  readonly dir: string;
  readonly runtime: Runtime;
  /** Stand for agent1 and agent2 of the examples. */
  readonly containers: [string, string];
  #env: NodeJS.ProcessEnv = {};
  /** Every private and preshared key that this lab has used. */
  readonly keys = new Set<string>();
  /** Everything that the lab's programs have printed here. */
  readonly #printed: string[] = [];

  private constructor(dir: string, runtime: Runtime, prefix: string) {
    this.dir = dir;
    this.runtime = runtime;
    this.containers = [`${prefix}-a`, `${prefix}-b`];
  }

  static async make(runtime: Runtime): Promise<Lab> {
    const dir = await mkdtemp(labPrefix());
    return new Lab(dir, runtime, `ift-${process.pid}-${count++}`);
  }

  static async start(runtime: Runtime): Promise<Lab> {
    const lab = await Lab.make(runtime);
    const up = await ifactor('lab', 'up', '--detach', ...lab.flags);
    lab.#printed.push(up.stdout, up.stderr);
    succeeded(up);
    await lab.readEnvironment();
    return lab;
  }

  get flags(): string[] {
    return [
      '--dir',
      this.dir,
      ...(this.runtime === 'vm' ? ['--vm'] : ['--runtime', this.runtime]),
      ...this.containers.flatMap((name) => ['--container', name]),
    ];
  }

  get env(): NodeJS.ProcessEnv {
    return this.#env;
  }

  /** What a shell has after `eval "$(ifactor lab env)"`. */
  async readEnvironment(): Promise<void> {
    const script = `eval "$("$1" "$2" lab env --dir "$3")" && env -0`;
    const out = await must('sh', ['-c', script, 'sh', process.execPath, main, this.dir]);
    this.#env = Object.fromEntries(
      out
        .split('\0')
        .filter(Boolean)
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
  }

  async command(...args: string[]): Promise<Result> {
    const result = await ifactor('lab', args[0] ?? '', '--dir', this.dir, ...args.slice(1));
    // What a test reads of a kernel by `wg` may well be a key.
    if (args[0] !== 'exec') this.#printed.push(result.stdout, result.stderr);
    return result;
  }

  /** Another command of `ifactor`, in this lab's environment. */
  async ifactor(...args: string[]): Promise<string> {
    const result = await run(process.execPath, [main, ...args], { env: this.#env });
    this.#printed.push(result.stdout, result.stderr);
    return succeeded(result, `ifactor ${args.join(' ')}`);
  }

  kubectl(args: string[], input = ''): Promise<string> {
    return must(process.env['KUBECTL'] ?? 'kubectl', args, { env: this.#env, input });
  }

  /** An example with the containers' names replaced by this lab's. */
  async manifest(file: string): Promise<string> {
    const yaml = await readFile(join(examples, file), 'utf8');
    return yaml.replaceAll(/\bagent1\b/g, this.containers[0]).replaceAll(/\bagent2\b/g, this.containers[1]);
  }

  async apply(...files: string[]): Promise<void> {
    for (const file of files) {
      const manifest = await this.manifest(file);
      for (const key of keysIn(manifest)) this.keys.add(key);
      this.#printed.push(await this.kubectl(['apply', '--filename', '-'], manifest));
    }
  }

  /** Resolves when they are gone from the API. */
  async delete(...files: string[]): Promise<void> {
    await this.learnKeys();
    for (const file of files)
      await this.kubectl(['delete', '--timeout=60s', '--filename', '-'], await this.manifest(file));
  }

  ready(...objects: string[]): Promise<string> {
    return this.kubectl(['wait', '--for=condition=Ready', '--timeout=90s', ...objects]);
  }

  /** A program of this machine in the network of a node or container. */
  exec(name: string, ...command: string[]): Promise<Result> {
    return this.command('exec', name, '--', ...command);
  }

  /** A program as the container's user runs it, with the container's own files. */
  inside(name: string, ...command: string[]): Promise<Result> {
    if (this.runtime === 'vm') return this.exec(name, ...command);
    return this.runtime === 'docker'
      ? run('docker', ['exec', name, ...command])
      : run('ip', ['netns', 'exec', name, ...command]);
  }

  /** Links in the netns of a node or container, as `ip -json -details` shows them. */
  async links(name: string): Promise<Link[]> {
    const { code, stdout, stderr } = await this.exec(name, 'ip', '-json', '-details', 'address');
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout || '[]') as Link[];
  }

  async link(name: string, link: string): Promise<Link> {
    const found = (await this.links(name)).find(({ ifname }) => ifname === link);
    if (!found) throw new Error(`no ${link} in ${name}`);
    return found;
  }

  /** Pings until these addresses answered. */
  async ping(name: string, target: string, ...from: string[]): Promise<void> {
    await eventually(async () => {
      const { stdout } = await this.inside(name, 'ping', '-c', '3', '-W', '1', target);
      for (const address of from)
        expect(stdout).toMatch(new RegExp(`bytes from ${address.replaceAll('.', '\\.')}[%: ]`));
    });
  }

  /** What agents in a virtual machine keep, which ends with it: to be looked through like any other's. */
  private async fetchState(): Promise<void> {
    if (this.runtime !== 'vm') return;
    const { stdout } = await this.exec('lax1', 'sh', '-c', 'tar -C /run/ifactor -cz . | base64 -w0');
    // It is gone, or never came up.
    if (stdout === '') return;
    const folder = join(this.dir, 'agents');
    await mkdir(folder, { recursive: true });
    await must('sh', ['-c', 'base64 -d | tar -C "$1" -xz', 'sh', folder], { input: stdout });
  }

  /** Takes the keys that there are now among those that may stand nowhere. */
  async learnKeys(): Promise<void> {
    for (const key of keysMade(join(this.dir, 'agents'))) this.keys.add(key);
    const secrets = await run(
      'kubectl',
      ['get', 'secrets', '--all-namespaces', '--output', 'json', '--request-timeout=10s'],
      { env: this.#env },
    );
    if (secrets.code === 0) for (const key of keysOf(JSON.parse(secrets.stdout))) this.keys.add(key);
  }

  /**
   * Where one of the lab's keys stands that should not: what was stored, shipped, logged or printed, and what the API
   * shows besides what people wrote into it (specs and Secrets).
   */
  async leaks(): Promise<string[]> {
    await this.fetchState();
    await this.learnKeys();
    if (this.keys.size === 0) return [];
    const shown = await run('kubectl', ['get', 'wgp,wgi,nl,events', '--output', 'json', '--request-timeout=10s'], {
      env: this.#env,
    });
    const objects = shown.code === 0 ? (JSON.parse(shown.stdout) as { items: Record<string, unknown>[] }).items : [];
    return findKeys(this.keys, [
      ...['logs', 'nats', 'agents', 'run'].flatMap((folder) => publicFiles(join(this.dir, folder))),
      ...commandLines(),
      ['printed', Buffer.from(this.#printed.join('\n'))],
      [
        'statuses and Events',
        Buffer.from(JSON.stringify(objects.map((object) => ({ ...object, spec: null, metadata: null })))),
      ],
    ]);
  }

  /** Takes the lab down, however it stands, and removes its folder. @throws where a key of it came to stand anywhere */
  async end(): Promise<void> {
    const leaks = await this.leaks();
    const result = await this.command('down');
    await rm(this.dir, { recursive: true, force: true });
    succeeded(result);
    expect(leaks, 'places where a key stands').toEqual([]);
  }
}

export type Link = {
  ifindex: number;
  ifname: string;
  mtu: number;
  operstate: string;
  flags: string[];
  master?: string;
  linkinfo?: { info_kind?: string; info_data?: Record<string, unknown> };
  addr_info: { family: string; local: string; address?: string; prefixlen: number }[];
};

/** `LOCAL/LEN` or `LOCAL -> PEER/LEN` of each address. */
export function addresses({ addr_info }: Link): string[] {
  return addr_info
    .map(({ local, address, prefixlen }) => `${local}${address === undefined ? '' : ` -> ${address}`}/${prefixlen}`)
    .toSorted();
}
