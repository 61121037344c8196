import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bench } from '../../testing/kernel/suite.ts';
import { openMachine } from '../../testing/machine.ts';
import { TestNode } from '../../testing/node.ts';
import { systemClock } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import { describeVerdict } from '../../interface/words/verdict.ts';

const saboteur = new URL('../../testing/saboteur.ts', import.meta.url).pathname;
/** Waits ten times less, so that a back-off can be waited for. */
const hasty: Clock = {
  ...systemClock,
  after: (milliseconds, elapsed) => systemClock.after(milliseconds / 10, elapsed),
};

// Network namespaces need root.
describe.skipIf(process.getuid?.() !== 0)('a program that undoes what is done, within milliseconds', () => {
  let bench: Bench;
  let node: TestNode;
  let path: string;
  let enemy: ChildProcess | undefined;

  beforeEach(async () => {
    bench = await openMachine();
    path = await bench.addNetns();
    node = new TestNode({ kernel: bench.kernel, path: () => path, clock: hasty });
  });
  afterEach(async () => {
    enemy?.kill('SIGKILL');
    enemy = undefined;
    node.dispose();
    await bench.close();
  });

  it('is backed off from, longer each time, named in the condition, and the link is as declared soon after it ended', async () => {
    const actor = node.apply('NetlinkInterface', 'br0', { interfaceName: 'br0', type: 'bridge', up: true, mtu: 1400 });
    await node.settles(actor, 'configured');
    enemy = spawn(process.execPath, [saboteur, path, 'br0', '1300'], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(enemy.stdout!, 'data');
    const waited = (): number => (actor.snapshot.context.failure ? actor.snapshot.context.attempts : 0);
    await node.until(
      () => waited() >= 4,
      () => node.story(actor),
    );
    expect(describeVerdict(actor.snapshot.context)).toMatchObject({
      reason: 'Contested',
      message: expect.stringMatching(/undoes mtu.*find the program/),
    });

    // In each fight it acts ten times, or looks five times, and then waits.
    const fights = node.events(actor).filter(({ type }) => type === 'TimerElapsed').length + 1;
    const acted = node.events(actor).filter(({ type }) => type === 'LinkChanged').length;
    expect(acted).toBeLessThanOrEqual(fights * 60);
    const from = node.journal.sequence;
    const { until } = actor.snapshot.context.failure!;
    const silence = (Date.parse(until!) - Date.now()) / 10;
    await new Promise((resolve) => setTimeout(resolve, silence / 2));
    expect(node.journal.sequence).toBe(from);

    enemy.kill('SIGTERM');
    await once(enemy, 'exit');
    await node.settles(actor, 'configured');
    expect(actor.snapshot.context.ready.status).toBe('True');
  });
});
