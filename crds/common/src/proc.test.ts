import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import { systemClock } from './clock.ts';
import { bootId, endProcesses, identify, isAlive, parseStat, processesWithEnvironment, readStat } from './proc.ts';

const children: ChildProcess[] = [];
afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')));

async function start(script: string, env: NodeJS.ProcessEnv = {}): Promise<ChildProcess & { pid: number }> {
  const child = spawn('sh', ['-c', script.replace('READY', 'echo ready')], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  children.push(child);
  await once(child.stdout, 'data');
  return child as ChildProcess & { pid: number };
}

const line = (name: string, state: string): string =>
  `12 (${name}) ${state} 7 12 12 0 -1 4194304 1 0 0 0 30 12 0 0 20 0 1 0 987654 1 1 18446744073709551615`;

it('reads a stat line, whatever the name of the program', () => {
  const expected = { state: 'S', parent: 7, cpuTicks: 42, startTime: '987654' };
  for (const name of ['sh', 'a b', ') S 1 1', '(', '\n)']) expect(parseStat(line(name, 'S'))).toEqual(expected);
  expect(parseStat(line('sh', 'Z'))).toBeUndefined();
  expect(parseStat(line('sh', 'X'))).toBeUndefined();
  expect(parseStat('')).toBeUndefined();
});

it('identifies a process by pid, start time and boot', () => {
  const self = identify(process.pid)!;
  expect(self).toEqual({ pid: process.pid, startTime: readStat(process.pid)?.startTime, boot: bootId() });
  expect(isAlive(self)).toBe(true);
  expect(isAlive({ pid: self.pid, startTime: self.startTime })).toBe(true);
  expect(isAlive({ ...self, startTime: `${self.startTime}0` })).toBe(false);
  expect(isAlive({ ...self, boot: randomUUID() })).toBe(false);
  // Larger than any pid that Linux assigns.
  expect(identify(2 ** 22 + 1)).toBeUndefined();
});

it('ends a process that ignores SIGTERM, and never one that has its pid later', async () => {
  const stubborn = await start("trap '' TERM; READY; while :; do sleep 0.05; done");
  const who = identify(stubborn.pid)!;
  const exit = once(stubborn, 'exit');
  await endProcesses(systemClock, [{ ...who, startTime: '1' }], 'SIGKILL');
  expect(isAlive(who)).toBe(true);
  await endProcesses(systemClock, [who], 'SIGTERM', 200);
  expect(isAlive(who)).toBe(false);
  expect(await exit).toEqual([null, 'SIGKILL']);
});

it('finds processes by a line of their environment', async () => {
  const mark = randomUUID();
  const child = await start('READY; exec sleep 60', { IFACTOR_PROC_TEST: mark });
  expect(processesWithEnvironment(`IFACTOR_PROC_TEST=${mark}`)).toEqual([identify(child.pid)]);
  expect(processesWithEnvironment(`IFACTOR_PROC_TEST=${randomUUID()}`)).toEqual([]);
});
