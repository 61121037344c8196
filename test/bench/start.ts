/** How long the built programs take to start, and how much CPU, beside Node itself. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { startNats } from '@ifactor/common/testing';
import { natsProgram } from './natsProgram.ts';
import { addNetns } from './netns.ts';
import { end, own } from './processes.ts';
import { summarize, type Summary } from './stats.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const dist = (workspace: string): string => join(root, workspace, 'dist/main.js');

/** `cpuMs`: of all threads, user and system, on average. A busy machine spoils that less than the time on the clock. */
type Start = { wall: Summary; cpuMs: number };

/** By what was started; `node -e 0` is the first. Milliseconds. */
export type Starts = Readonly<Record<string, Start>>;

export type StartOptions = { folder: string; repetitions: number; progress: (text: string) => void };

/** Builds the programs and starts each so many times, in turns. An agent has started when it says `ready`. */
export async function measureStart({ folder, repetitions, progress }: StartOptions): Promise<Starts> {
  progress('building the programs');
  await run('npm', ['run', 'build', '--silent'], { cwd: root });
  const netns = await addNetns('start');
  const nats = await startNats({ folder, program: await natsProgram() });
  const agent = (state: string) => agentReady(nats.url, netns, join(folder, state));
  const starts: Record<string, (round: number) => Promise<Taken>> = {
    'node -e 0': () => ended('-e', '0'),
    'ifactor --help': () => ended(dist('lab/cli'), '--help'),
    'ifactor-bridge --help': () => ended(dist('bridge'), '--help'),
    'ifactor-agent until ready, the first time': (round) => agent(`agent${round}`),
    'ifactor-agent until ready, again': () => agent('again'),
  };
  const taken = new Map<string, Taken[]>(Object.keys(starts).map((name) => [name, []]));
  try {
    progress('an agent that has started before');
    for (let i = 0; i < 2; i++) await agent('again');
    for (let round = 0; round < repetitions; round++) {
      for (const [name, start] of Object.entries(starts)) {
        progress(`${name}, ${round + 1} of ${repetitions}`);
        taken.get(name)?.push(await start(round));
      }
    }
  } finally {
    await nats.stop();
  }
  return Object.fromEntries(
    [...taken].map(([name, list]) => {
      const cpuMs = list.reduce((sum, one) => sum + one.cpuMs, 0) / list.length;
      return [name, { wall: summarize(list.map(({ wallMs }) => wallMs)), cpuMs }];
    }),
  );
}

type Taken = { wallMs: number; cpuMs: number };

async function ended(...args: string[]): Promise<Taken> {
  const [begun, before] = [performance.now(), cpuOfEndedChildren()];
  await run(process.execPath, args);
  return { wallMs: performance.now() - begun, cpuMs: cpuOfEndedChildren() - before };
}

async function agentReady(nats: string, netns: string, stateDir: string): Promise<Taken> {
  mkdirSync(stateDir, { recursive: true });
  const args = ['--node', 'start', '--nats', nats, '--state-dir', stateDir, '--netns', `/run/netns/${netns}`];
  const begun = performance.now();
  const agent = own(spawn(process.execPath, [dist('actors'), ...args], { stdio: ['ignore', 'ignore', 'pipe'] }));
  const said: string[] = [];
  for await (const line of createInterface(agent.stderr)) {
    said.push(line);
    if (/ ready( |$)/.test(line)) {
      const taken = { wallMs: performance.now() - begun, cpuMs: cpuOf(agent.pid ?? 0) };
      void end(agent);
      await once(agent, 'exit');
      return taken;
    }
  }
  throw new Error(`the agent has ended:\n${said.join('\n')}`);
}

/** Milliseconds that the threads of a process have run. */
function cpuOf(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const times = tasks.map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]));
  return times.reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1e6;
}

/** Milliseconds of children that have ended, in steps of 10: cutime and cstime, which proc(5) counts as fields 16 and 17. */
function cpuOfEndedChildren(): number {
  const [user = '', system = ''] = (readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1) ?? '')
    .split(' ')
    .slice(13);
  return (Number(user) + Number(system)) * 10;
}

const ratio = (value: number, of = 1): string => `${(value / of).toFixed(1)} × node`.padStart(11);

export function startText(starts: Starts): string {
  const base = starts['node -e 0'];
  const lines = Object.entries(starts).map(
    ([
      name,
      {
        wall: { median, least, most },
        cpuMs,
      },
    ]) => {
      const range = `(${least.toFixed(0)} to ${most.toFixed(0)})`;
      return `${name.padEnd(42)} ${median.toFixed(0).padStart(5)} ms ${range.padEnd(14)}${ratio(median, base?.wall.median)}   CPU ${cpuMs.toFixed(0).padStart(4)} ms ${ratio(cpuMs, base?.cpuMs)}`;
    },
  );
  return lines.join('\n');
}
