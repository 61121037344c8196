import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { freePorts } from '@ifactor/lab';
import { Dice } from './dice.ts';
import { faults, fleet, memoryOf, publicKeyIn, tunnelFaults, unowned, type Expected } from './fleet.ts';
import { memoryKept } from './memory.ts';
import { World } from './world.ts';

/*
 * Random sabotage by another program, for half a minute or IFACTOR_SOAK_MINUTES, against IFACTOR_SOAK_COUNT interfaces of two
 * nodes. The agent of the first lives through all of it, so that its memory can be watched; that of the second is killed time and
 * again. IFACTOR_SOAK_SEED repeats a run.
 */
const minutes = Number(process.env['IFACTOR_SOAK_MINUTES'] ?? 0.4);
const count = Number(process.env['IFACTOR_SOAK_COUNT'] ?? 200);
const seed = Number(process.env['IFACTOR_SOAK_SEED'] ?? Date.now() % 1e6);
/** Acts of sabotage a second. */
const rate = 10;

const nodes = ['lax1', 'lax2'] as const;
const places = { lax1: ['a0', 'a1', 'a2'], lax2: ['b0', 'b1', 'b2'] };
const all = [...places.lax1, ...places.lax2];
/** A container that is restarted at times: its netns goes with all that is in it, and another comes. */
const restarted = 'b2';
const lasting = all.filter((place) => place !== restarted);
let world: World;
/** Where the agent that lives through all of it can be asked what it keeps. */
let port: number;
let expected: Expected[];

beforeAll(async () => {
  world = await World.start(nodes, all);
  for (const [at, place] of lasting.entries()) {
    await world.ip(place, 'link', 'add', 'foreign0', 'type', 'bridge');
    await world.ip(place, 'address', 'add', `10.77.${at}.1/24`, 'dev', 'foreign0');
  }
  [port = 0] = await freePorts(1);
  world.startAgent('lax1', { flags: [`--inspect=127.0.0.1:${port}`, '--inspect-publish-uid=http'] });
  world.startAgent('lax2');
  expected = nodes.flatMap((node) => fleet(node, places[node], count / 2));
  for (const object of new Set(expected.map((one) => one.object))) await world.apply(object);
});
afterAll(() => world?.end());

/** Something that somebody does to a link with `ip`; most of it fails now and then, because the link is just not there. */
type Act = (at: Expected, dice: Dice) => Promise<unknown>;
const ip = (place: string, ...args: string[]): Promise<unknown> => world.ip(place, ...args).catch(() => undefined);
const acts: Act[] = [
  ({ place, link }) => ip(place, 'link', 'del', link),
  ({ place, link }) => ip(place, 'link', 'set', link, 'down'),
  ({ place, link }, dice) => ip(place, 'link', 'set', link, 'mtu', String(1280 + dice.below(200))),
  ({ place, link }) => ip(place, 'address', 'flush', 'dev', link),
  ({ place, link }, dice) => ip(place, 'address', 'add', `10.88.${dice.below(255)}.1/24`, 'dev', link),
  ({ place, link, addresses }) => ip(place, 'address', 'del', addresses[0] ?? '', 'dev', link),
  ({ place, link }) => ip(place, 'link', 'set', link, 'alias', ''),
  async ({ place, link }, dice) => {
    await ip(place, 'link', 'set', link, 'down');
    await ip(place, 'link', 'set', link, 'name', `x${dice.below(1e6)}`);
  },
  ({ place, link, object }, dice) =>
    ip(place, 'link', 'set', link, 'netns', world.netns(dice.one(places[object.spec.node as keyof typeof places]))),
  ({ place, link }) => ip(place, 'link', 'set', link, 'nomaster'),
  ({ place, link }) => ip(place, 'link', 'set', link, 'master', 'foreign0'),
];
const wg = (at: Expected, ...args: string[]): Promise<unknown> =>
  world.wg(at.object.spec.node, at.place, 'set', at.link, ...args).catch(() => undefined);
/** And to a tunnel, with `wg`. */
const tunnelActs: Act[] = [
  (at, dice) => wg(at, 'fwmark', String(1000 + dice.below(1000))),
  (at, dice) => wg(at, 'listen-port', String(20_000 + dice.below(10_000))),
  (at, dice) => wg(at, 'peer', Buffer.alloc(32, dice.below(256)).toString('base64'), 'allowed-ips', '10.99.0.0/24'),
  (at) => wg(at, 'peer', publicKeyIn(at), 'remove'),
  (at) => wg(at, 'peer', publicKeyIn(at), 'persistent-keepalive', '7', 'allowed-ips', '10.98.0.0/24'),
];
const foreign = async (): Promise<string> =>
  (await Promise.all(lasting.map((place) => world.ip(place, '-o', 'address', 'show', 'foreign0'))))
    .map((text) => text.replaceAll(/valid_lft.*/g, ''))
    .join('');

const converged = async (): Promise<void> => {
  for (const node of nodes) await world.settled(node, count / 2, 150_000);
  await vi.waitFor(async () => expect(await faults(world, expected, all)).toEqual([]), {
    timeout: 30_000,
    interval: 200,
  });
  // What `wg` changes tells nobody: an agent finds it at its next look.
  await vi.waitFor(async () => expect(await tunnelFaults(world, expected)).toEqual([]), {
    timeout: 30_000,
    interval: 1000,
  });
};
const median = (list: number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1] ?? 0;

test(
  `${count} interfaces outlive ${minutes} minutes of sabotage (seed ${seed})`,
  { timeout: 300_000 + minutes * 60_000 },
  async () => {
    const dice = new Dice(seed);
    await converged();
    const theirs = await foreign();
    const memory: number[] = [];
    const begin = Date.now();
    const end = begin + minutes * 60_000;
    let early: Awaited<ReturnType<typeof memoryKept>> | undefined;
    let done = 0;
    let kills = 0;
    let restarts = 0;
    for (let next = Date.now(); Date.now() < end; next += 1000 / rate, done++) {
      await sleep(Math.max(0, next - Date.now()));
      const at = dice.one(expected);
      await dice.one(at.kind === 'wireguard' ? [...acts, ...tunnelActs] : acts)(at, dice);
      if (early === undefined && Date.now() - begin > (end - begin) / 3) early = await memoryKept(port);
      if (done % rate === 0) memory.push(await memoryOf(world.pid('lax1')));
      const fate = dice.roll();
      if (fate < 0.02) {
        kills++;
        await world.endAgent('lax2');
        world.startAgent('lax2');
      } else if (fate < 0.025) {
        await world.nats.kill();
        await world.nats.start();
      } else if (fate < 0.03) {
        await world.removeNetns(restarted);
        await world.addNetns(restarted);
        restarts++;
      }
    }
    // A link that was moved while its mark was away belongs to whoever did that; a vxlan keeps its VNI taken wherever it is.
    for (const [place, link] of await unowned(world, expected, all)) {
      console.log(`soak: takes ${link} out of ${place}, which lost its mark before it was moved there`);
      await ip(place, 'link', 'del', link);
    }
    await converged();
    expect(await foreign()).toBe(theirs);

    const third = Math.floor(memory.length / 3);
    const occupied = [0, 1, 2].map((at) => median(memory.slice(at * third, (at + 1) * third)).toFixed(0)).join(', ');
    const late = await memoryKept(port);
    const spell = ({ resident, heap }: typeof late): string =>
      `${resident.toFixed(0)} MB (${heap.toFixed(1)} of JavaScript)`;
    console.log(
      `soak: ${done} acts of sabotage, ${kills} agents killed, ${restarts} containers restarted; the agent that lived through it occupied ${occupied} MB in the thirds, ` +
        `and kept ${early ? spell(early) : '?'} after the first, ${spell(late)} at the end`,
    );
    // A shorter run ends before its caches are full.
    if (minutes < 10 || !early) return;
    expect(late.heap).toBeLessThan(early.heap * 1.15 + 5);
    expect(late.resident).toBeLessThan(early.resident * 1.15 + 10);
  },
);
