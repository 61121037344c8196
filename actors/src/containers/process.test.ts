import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { followProcess } from './process.ts';
import { canNetns } from './testing/harness.ts';
import type { Where } from './place.ts';

const startOf = (pid: number): string | undefined =>
  readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ')[19];

test.skipIf(!canNetns())(
  'a process that starts in the same clock tick as the one whose number it gets is not followed',
  async () => {
    for (let tries = 0; tries < 200; tries++) {
      const first = spawn('sleep', ['60'], { stdio: 'ignore' });
      const pid = first.pid ?? 0;
      const told: Where[] = [];
      const source = followProcess(pid, 'it', (where) => told.push(where));
      await new Promise(setImmediate);
      const start = startOf(pid);
      const exit = once(first, 'exit');
      first.kill('SIGKILL');
      await exit;
      writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid - 1));
      const second = spawn('sleep', ['60'], { stdio: 'ignore' });
      const same = second.pid === pid && startOf(pid) === start;
      source.again();
      source.stop();
      second.kill('SIGKILL');
      if (!same) continue;
      expect(told).toHaveLength(2);
      expect(told[1]).toHaveProperty('lost.reason', 'ProcessNotFound');
      return;
    }
    throw new Error('never in one tick');
  },
);
