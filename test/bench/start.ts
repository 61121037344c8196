/** How long the built programs take to start, beside Node itself. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
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

/** Milliseconds, by what was started; `node -e 0` is the first. */
export type Starts = Readonly<Record<string, Summary>>;

export type StartOptions = { folder: string; repetitions: number; progress: (text: string) => void };

/** Builds the programs and starts each so many times, in turns. An agent has started when it says `ready`. */
export async function measureStart({ folder, repetitions, progress }: StartOptions): Promise<Starts> {
  progress('building the programs');
  await run('npm', ['run', 'build', '--silent'], { cwd: root });
  const netns = await addNetns('start');
  const nats = await startNats({ folder, program: await natsProgram() });
  const node = (...args: string[]) => run(process.execPath, args);
  const starts: Record<string, (round: number) => Promise<unknown>> = {
    'node -e 0': () => node('-e', '0'),
    'ifactor --help': () => node(dist('lab/cli'), '--help'),
    'ifactor-bridge --help': () => node(dist('bridge'), '--help'),
    'ifactor-agent until ready': (round) => agentReady(nats.url, netns, join(folder, `agent${round}`)),
  };
  const times = new Map<string, number[]>(Object.keys(starts).map((name) => [name, []]));
  try {
    for (let round = 0; round < repetitions; round++) {
      for (const [name, start] of Object.entries(starts)) {
        progress(`${name}, ${round + 1} of ${repetitions}`);
        const begun = performance.now();
        await start(round);
        times.get(name)?.push(performance.now() - begun);
      }
    }
  } finally {
    await nats.stop();
  }
  return Object.fromEntries([...times].map(([name, list]) => [name, summarize(list)]));
}

async function agentReady(nats: string, netns: string, stateDir: string): Promise<void> {
  mkdirSync(stateDir);
  const args = ['--node', 'start', '--nats', nats, '--state-dir', stateDir, '--netns', `/run/netns/${netns}`];
  const agent = own(spawn(process.execPath, [dist('actors'), ...args], { stdio: ['ignore', 'ignore', 'pipe'] }));
  const said: string[] = [];
  for await (const line of createInterface(agent.stderr)) {
    said.push(line);
    if (/ ready( |$)/.test(line)) {
      void end(agent);
      await once(agent, 'exit');
      return;
    }
  }
  throw new Error(`the agent has ended:\n${said.join('\n')}`);
}

export function startText(starts: Starts): string {
  const base = starts['node -e 0']?.median ?? 1;
  const lines = Object.entries(starts).map(
    ([name, { median, least, most }]) =>
      `${name.padEnd(28)} ${median.toFixed(0).padStart(5)} ms (${least.toFixed(0)} to ${most.toFixed(0)})  ${(median / base).toFixed(1)} × node`,
  );
  return lines.join('\n');
}
