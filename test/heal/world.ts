/** Agents of several nodes against a NATS of their own and the kernel's real namespaces; the test speaks for Kubernetes. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { desiredObject } from '@ifactor/actors/testing';
import { startNats, type NatsServer } from '@ifactor/common/testing';
import { formatDesiredSubject, formatStatusSubject, StatusMessageSchema, type InterfaceStatus } from '@ifactor/crds';
import { connectOnce, ensureStreams, streams } from '@ifactor/common/nats';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { expect, vi } from 'vitest';
import { slowness } from './slowness.ts';

export const run = promisify(execFile);
export const repository = join(import.meta.dirname, '../..');

type Kind = 'NetlinkInterface' | 'WireGuardInterface';
/** A declared object; `spec.node` says where it belongs. */
export type Declared = { kind: Kind; name: string; spec: { node: string } & Record<string, unknown> };

const patience = { timeout: 60_000 * slowness, interval: 50 * slowness };

export class World {
  readonly folder: string;
  readonly nats: NatsServer;
  readonly connection: NatsConnection;
  readonly #prefix: string;
  readonly #netns: string[] = [];
  readonly #agents = new Map<string, ChildProcess>();
  readonly #generations = new Map<string, number>();
  readonly #containers: readonly string[];

  private constructor(folder: string, nats: NatsServer, connection: NatsConnection, containers: readonly string[]) {
    this.folder = folder;
    this.nats = nats;
    this.connection = connection;
    this.#containers = containers;
    this.#prefix = `ift-${process.pid}-`;
  }

  /** Nodes share an underlay: the first has 192.0.2.1, the second 192.0.2.2. No agent runs yet. */
  static async start(nodes: readonly [string, string?], containers: readonly string[]): Promise<World> {
    const folder = mkdtempSync(join(tmpdir(), 'ift-heal-'));
    const nats = await startNats({ folder });
    const connection = await connectOnce({ servers: nats.url, name: 'test' });
    await ensureStreams(connection);
    const world = new World(folder, nats, connection, containers);
    try {
      for (const name of [...nodes, ...containers]) if (name !== undefined) await world.addNetns(name);
      const [one, two] = nodes;
      if (two !== undefined) {
        await world.ip(one, 'link', 'add', 'underlay0', 'type', 'veth', 'peer', 'underlay0', 'netns', world.netns(two));
        for (const [at, name] of [one, two].entries()) {
          await world.ip(name, 'address', 'add', `192.0.2.${at + 1}/24`, 'dev', 'underlay0');
          await world.ip(name, 'link', 'set', 'underlay0', 'up');
        }
      }
      return world;
    } catch (error) {
      await world.end();
      throw error;
    }
  }

  /** The kernel's name of the netns of a node or container. */
  netns(name: string): string {
    return `${this.#prefix}${name}`;
  }

  async addNetns(name: string): Promise<void> {
    await run('ip', ['netns', 'add', this.netns(name)]);
    this.#netns.push(name);
    await this.ip(name, 'link', 'set', 'lo', 'up');
  }

  async removeNetns(name: string): Promise<void> {
    this.#netns.splice(this.#netns.indexOf(name), 1);
    await run('ip', ['netns', 'del', this.netns(name)]);
  }

  /** `ip` in a node or container. */
  async ip(name: string, ...args: string[]): Promise<string> {
    return (await run('ip', ['-n', this.netns(name), ...args], { maxBuffer: 64 << 20 })).stdout;
  }

  /** `wg` in a container, whether the kernel serves its tunnels or the node's wireguard-go processes do. */
  async wg(node: string, container: string, ...args: string[]): Promise<string> {
    const netns = this.netns(container);
    const sockets = join(this.stateDir(node), 'wireguard', String(statSync(`/run/netns/${netns}`).ino));
    if (!existsSync(sockets)) return (await run('ip', ['netns', 'exec', netns, 'wg', ...args])).stdout;
    const script = 'mount --bind "$1" /var/run/wireguard && shift && exec wg "$@"';
    return (await run('unshare', ['--mount', 'sh', '-c', script, 'sh', sockets, ...args])).stdout;
  }

  stateDir(node: string): string {
    return join(this.folder, node);
  }

  log(node: string): string {
    return readFileSync(join(this.folder, `${node}.log`), 'utf8');
  }

  pid(node: string): number {
    const pid = this.#agents.get(node)?.pid;
    if (pid === undefined) throw new Error(`no agent of ${node} runs`);
    return pid;
  }

  /** @param flags of Node itself. @param root of the tree to run */
  startAgent(node: string, { flags = [], root = repository }: { flags?: readonly string[]; root?: string } = {}): void {
    const aliases = this.#containers.flatMap((name) => [
      '--container-alias',
      `${name}=netns:/run/netns/${this.netns(name)}`,
    ]);
    const args = [
      join(root, 'actors/src/main.ts'),
      '--node',
      node,
      '--nats',
      this.nats.url,
      '--state-dir',
      this.stateDir(node),
      '--netns',
      `/run/netns/${this.netns(node)}`,
      '--log-level',
      'warn',
      ...aliases,
    ];
    // It is not to survive a test run that is broken off.
    const command = [
      '--pdeathsig',
      'KILL',
      '--',
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      ...flags,
      ...args,
    ];
    this.#agents.set(node, spawn('setpriv', command, { stdio: ['ignore', 'ignore', 'inherit'] }));
  }

  async endAgent(node: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const agent = this.#agents.get(node);
    this.#agents.delete(node);
    if (!agent || agent.exitCode !== null || agent.signalCode !== null) return;
    const exit = once(agent, 'exit');
    agent.kill(signal);
    await exit;
  }

  /** Declares an object as the bridge would; each time in a new generation. */
  async apply({ kind, name, spec }: Declared): Promise<void> {
    const generation = (this.#generations.get(`${kind}/${name}`) ?? 0) + 1;
    this.#generations.set(`${kind}/${name}`, generation);
    const body = desiredObject(name, generation, spec, { kind });
    const subject = formatDesiredSubject({ node: spec.node, kind: kind.toLowerCase(), namespace: 'default', name });
    await vi.waitFor(
      () => jetstream(this.connection).publish(subject, JSON.stringify(body), { timeout: 1000 * slowness }),
      patience,
    );
  }

  /** The last status that was published; undefined before the first. */
  async status({ kind, name, spec: { node } }: Declared): Promise<InterfaceStatus | undefined> {
    const subject = formatStatusSubject({ node, kind: kind.toLowerCase(), namespace: 'default', name });
    const manager = await jetstreamManager(this.connection, { timeout: 2000 * slowness });
    const message = await manager.streams.getMessage(streams.status, { last_by_subj: subject });
    return message === null ? undefined : StatusMessageSchema.parse(message.json()).status;
  }

  /** Resolves when the last generation of each is in the kernel, by the word of its agent. */
  async healthy(...objects: Declared[]): Promise<void> {
    for (const object of objects) {
      await vi.waitFor(async () => {
        const status = await this.status(object);
        const ready = status?.conditions?.find(({ type }) => type === 'Ready');
        expect([object.name, ready?.status, status?.observedGeneration], ready?.message).toEqual([
          object.name,
          'True',
          this.#generations.get(`${object.kind}/${object.name}`),
        ]);
      }, patience);
    }
  }

  /** What the actors of a node know, by name, from the agent that runs now. */
  async snapshots(node: string): Promise<Map<string, Snapshot>> {
    const answer = await vi.waitFor(
      () => this.connection.request(`ifactor.agent.${node}.snapshot`, '', { timeout: 2000 }),
      patience,
    );
    return new Map((JSON.parse(answer.string()) as Snapshot[]).map((snapshot) => [snapshot.key.name, snapshot]));
  }

  /** Resolves when every actor of the node is healthy, by the word of the agent that runs now. */
  async settled(node: string, count: number, milliseconds = patience.timeout): Promise<void> {
    await vi.waitFor(
      async () => {
        const all = [...(await this.snapshots(node)).values()];
        expect(all).toHaveLength(count);
        const waiting = all.filter(
          ({ value, context }) =>
            !['configured', 'moved-to-netns', 'resting'].includes(value) || context.observed === null,
        );
        expect(waiting.map(({ key, context }) => `${key.name}: ${JSON.stringify(context.verdict)}`)).toEqual([]);
      },
      { ...patience, timeout: milliseconds },
    );
  }

  async end(): Promise<void> {
    for (const node of this.#agents.keys()) await this.endAgent(node);
    for (const node of readdirSync(this.folder)) endDaemons(join(this.folder, node, 'wireguard-go'));
    await this.connection.close();
    await this.nats.stop();
    for (const name of this.#netns.toReversed()) await this.removeNetns(name);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export type Snapshot = {
  key: { kind: string; namespace: string; name: string };
  value: string;
  context: { observed: unknown; verdict: { reason: string; message: string } };
};

/** The processes that serve WireGuard links where the kernel has none outlive their agent. */
export function endDaemons(folder: string): void {
  for (const entry of safe(() => readdirSync(folder))) {
    safe(() => {
      const { pid } = JSON.parse(readFileSync(join(folder, entry, 'record.json'), 'utf8')) as { pid: number };
      process.kill(pid);
      return [];
    });
  }
}

function safe(act: () => string[]): string[] {
  try {
    return act();
  } catch {
    return [];
  }
}
