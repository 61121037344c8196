import { LabError } from '../cluster/error.ts';
import { host, machineOf, type Machine } from '../host/machine.ts';
import { netnsPath, nodeNetns } from '../host/netns.ts';
import { netnsOf } from '../host/exec.ts';
import { files } from './steps.ts';
import { example, type Stage } from './stage.ts';

/** Names of the links in every netns of the lab and in the host's, to detect links that were left behind. */
export type Links = Map<string, Set<string>>;

export async function linksOf({ lab }: Stage): Promise<Links> {
  const places = [...lab.nodes, ...lab.containers].map(({ name }) => name);
  const lists = await Promise.all(
    places.map(async (name) => [name, await linksIn(machineOf(lab), await netnsOf(lab, name))] as const),
  );
  return new Map([...lists, ['this machine', await linksIn(host, undefined)]]);
}

/** Deletes everything that was applied, then checks for leftovers. @throws LabError naming them */
export async function removeAll(stage: Stage, before: Links): Promise<void> {
  const ours = await made(stage, before);
  for (const name of files.toReversed())
    await stage.show(stage.kubectl('delete', '--ignore-not-found', '--filename', example(name)));
  const listed = await stage.show(stage.kubectl('get', 'wgp,wgi,nl', '--output', 'name'));
  if (listed.trim() !== '') throw new LabError(`still in the API: ${listed.trim().replaceAll('\n', ', ')}`);
  const after = await linksOf(stage);
  const left = [...after].flatMap(([place, links]) =>
    [...links].filter((link) => ours.has(link) && !before.get(place)?.has(link)).map((link) => `${link} in ${place}`),
  );
  if (left.length > 0) throw new LabError(`still in the kernel: ${left.join(', ')}`);
  for (const { name } of stage.lab.nodes) {
    const { stdout } = await machineOf(stage.lab).capture('ip', ['netns', 'pids', nodeNetns(stage.lab.id, name)]);
    if (stdout.trim() !== '')
      throw new LabError(
        `processes left in ${netnsPath(nodeNetns(stage.lab.id, name))}: ${stdout.trim().replaceAll('\n', ', ')}`,
      );
  }
  for (const { name } of stage.lab.containers) await stage.show(stage.exec(name, 'ip', '-brief', 'link'));
  stage.say(`gone from the API, from the kernel and from this machine: ${[...ours].join(', ')}`);
}

/** Names of the links that the walkthrough made, wherever they are. Other programs' links on this machine are not ours to judge. */
async function made(stage: Stage, before: Links): Promise<Set<string>> {
  const now = await linksOf(stage);
  now.delete('this machine');
  return new Set([...now].flatMap(([place, links]) => [...links].filter((link) => !before.get(place)?.has(link))));
}

async function linksIn(machine: Machine, netns: string | undefined): Promise<Set<string>> {
  const argv = [...(netns === undefined ? [] : ['nsenter', `--net=${netns}`]), 'ip', '-json', 'link'];
  const [program = '', ...args] = argv;
  const { code, stdout, stderr } = await machine.capture(program, args);
  if (code !== 0) throw new LabError(`${argv.join(' ')} failed (${code}): ${stderr.trim()}`);
  return new Set((JSON.parse(stdout || '[]') as { ifname: string }[]).map(({ ifname }) => ifname));
}
