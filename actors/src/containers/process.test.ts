import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { identify } from '@ifactor/common/proc';
import { expect, test } from 'vitest';
import { systemClock } from '@ifactor/common';
import { followProcess } from './process.ts';
import { canNetns } from '../testing/containers/harness.ts';
import type { NetnsLocation } from './location.ts';

const sleeper = (): ChildProcess => spawn('sleep', ['60'], { stdio: 'ignore' });

const startTicks = (pid: number): string | undefined => identify(pid)?.startTime;

async function end(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

/** Follows a process, ends it, and starts another one with its number. Whether both started in one clock tick; null: another program got the number. */
async function recycle(): Promise<boolean | null> {
  const first = sleeper();
  const pid = first.pid!;
  const start = startTicks(pid);
  const told: NetnsLocation[] = [];
  const source = followProcess(pid, systemClock, (location) => told.push(location));
  let second: ChildProcess | undefined;
  try {
    await new Promise(setImmediate);
    expect(told).toMatchObject([{ id: expect.any(String) }]);
    await end(first);
    writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid - 1));
    second = sleeper();
    if (second.pid !== pid) return null;
    source.recheck();
    expect(told[1]).toHaveProperty('lost.reason', 'ProcessNotFound');
    return startTicks(pid) === start;
  } finally {
    source.stop();
    if (second) await end(second);
  }
}

// A start time, in ticks of 10 ms, does not tell these two apart. A busy machine may not get them into one tick in ten seconds.
test.skipIf(!canNetns())(
  'a process that gets the number of another, in the same clock tick too, is not followed',
  async () => {
    const outcomes: (boolean | null)[] = [];
    const until = Date.now() + 10_000;
    while (!outcomes.includes(true) && (Date.now() < until || !outcomes.includes(false)))
      outcomes.push(await recycle());
    expect(outcomes.some((one) => one !== null)).toBe(true);
  },
  60_000,
);
