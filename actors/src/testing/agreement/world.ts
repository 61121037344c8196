/** Two netns of this machine with links for others to stand on, in which we and `ip` write, and both read. */
import { execFileSync, spawnSync } from 'node:child_process';
import type { Observed } from '@ifactor/crds';
import { rulesOf, type Difference } from '../../interface/kind/index.ts';
import { observe, perform } from '../../driver/index.ts';
import type { Netns } from '../../kernel/index.ts';
import { knowing } from '../rules.ts';
import { openMachine } from '../machine.ts';

export type IpLink = {
  ifname: string;
  link?: string;
  master?: string;
  mtu: number;
  flags: string[];
  ifalias?: string;
  inet6_addr_gen_mode?: string;
  linkinfo?: { info_kind?: string; info_data?: { [field: string]: unknown } };
  addr_info: { local: string; address?: string; prefixlen: number; noprefixroute?: boolean }[];
};
type Key = Parameters<typeof knowing>[0];
type Secrets = { [fingerprint: string]: Buffer };

export class World {
  readonly near: Netns;
  readonly far: Netns;
  readonly #names: { near: string; far: string };
  readonly close: () => Promise<void>;

  private constructor(near: Netns, far: Netns, names: { near: string; far: string }, close: () => Promise<void>) {
    this.near = near;
    this.far = far;
    this.#names = names;
    this.close = close;
  }

  static async open(): Promise<World> {
    const bench = await openMachine();
    const paths = { near: await bench.addNetns(), far: await bench.addNetns() };
    const names = { near: paths.near.replace('/run/netns/', ''), far: paths.far.replace('/run/netns/', '') };
    const world = new World(await bench.kernel.open(paths.near), await bench.kernel.open(paths.far), names, () =>
      bench.close(),
    );
    world.ip(
      'near',
      ['low0', 'port0', 'port1'].map((name) => `link add ${name} up type veth peer name ${name}x`),
    );
    await world.near.barrier();
    return world;
  }

  /** Runs lines of `ip`. @throws with its words */
  ip(where: 'near' | 'far', lines: string[]): void {
    execFileSync('ip', ['-n', this.#names[where], '-batch', '-'], {
      input: `${lines.join('\n')}\n`,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
  }

  /** Has `ip` make a veth with one end in each netns. */
  makePair(near: string, far: string): void {
    this.ip('near', [`link add ${near} type veth peer name ${far} netns ${this.#names.far}`]);
  }

  /** Has `ip` set an alias, which may hold what begins a comment among the lines of a batch. */
  alias(where: 'near' | 'far', name: string, alias: string): void {
    execFileSync('ip', ['-n', this.#names[where], 'link', 'set', name, 'alias', alias]);
  }

  /** What `ip` shows of every link. */
  shown(where: 'near' | 'far' = 'near'): Map<string, IpLink> {
    // `ip` shows the address generation mode only with the link.
    const [links, addresses] = ['link', 'address'].map((what) => {
      const text = execFileSync('ip', ['-n', this.#names[where], '-details', '-json', what, 'show'], {
        encoding: 'utf8',
      });
      return new Map((JSON.parse(text) as IpLink[]).map((link) => [link.ifname, link]));
    });
    return new Map([...links!].map(([name, link]) => [name, { ...link, ...addresses!.get(name) }]));
  }

  /** Runs `wg`, with this on its input. */
  wg(args: string[], input = ''): string {
    const { status, stdout, stderr } = spawnSync('ip', ['netns', 'exec', this.#names.near, 'wg', ...args], {
      input,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`wg ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  /** What the rules for this spec make of what the kernel shows. */
  async difference(
    key: Key,
    spec: object,
    known: Parameters<typeof knowing>[1] = {},
  ): Promise<{ observed: Observed; difference: Difference }> {
    const found = rulesOf(key, { node: 'n1', ...spec });
    if ('problem' in found) throw new TypeError(found.problem);
    const { near, far } = this;
    for (const netns of [near, far]) await netns.barrier();
    const observed = await observe(key, found.rules, found.spec, { home: near, target: near, peer: far }, [near, far]);
    return { observed, difference: found.rules.diff(found.spec, knowing(key, known), observed) };
  }

  /** Carries out what a spec asks for, as an agent does. @throws where it asks for something more afterwards */
  async converge(
    key: Key,
    spec: object,
    { known = {}, secrets = {} }: { known?: Parameters<typeof knowing>[1]; secrets?: Secrets } = {},
  ): Promise<void> {
    for (let round = 0; round < 3; round++) {
      const { difference } = await this.difference(key, spec, known);
      if (difference.conflict || difference.waiting.length > 0) throw new Error(JSON.stringify(difference));
      if (difference.operations.length === 0) return;
      for (const operation of difference.operations) {
        await perform(operation, {
          netns: (slot) => (slot === 'peer' ? this.far : this.near),
          netnsById: (id) => [this.near, this.far].find((netns) => netns.id === id),
          secret: (fingerprint) => secrets[fingerprint]!,
          address: async (host) => host,
        });
      }
    }
    throw new Error(`does not settle: ${JSON.stringify((await this.difference(key, spec, known)).difference)}`);
  }
}

/** `LOCAL/LEN` or `LOCAL -> PEER/LEN`, sorted. */
export const addressesOf = ({ addr_info: list }: IpLink): string[] =>
  list
    .map(({ local, address, prefixlen }) => `${local}${address === undefined ? '' : ` -> ${address}`}/${prefixlen}`)
    .toSorted();
