import { systemRandom } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import { knownNodesStream, nodesStream, nodeSubject } from '@ifactor/common/nats';
import { createMemoryEventStore, TestClock } from '@ifactor/common/testing';
import { expect, test } from 'vitest';
import type { BridgeContext } from '../context.ts';
import { quiet, registered } from '../testing/objects.ts';
import { followNodes } from './liveness.ts';
import { createOutage } from './outage.ts';

test.each([60, -60])(
  'a bridge whose clock is %d s off takes no node that beats for silent, and a silent one in time',
  async (off) => {
    const clock = new TestClock();
    const begin = clock.now();
    const memory = createMemoryEventStore(clock, {
      [nodesStream]: 'last per subject',
      [knownNodesStream]: 'last per subject',
    });
    const store = memory.connect();
    await store.prepare();
    const wrong: Clock = {
      now: () => clock.now() + off * 1000,
      monotonic: () => clock.monotonic(),
      after: (milliseconds, elapsed) => clock.after(milliseconds, elapsed),
    };
    // In memory a stream has no time of creation.
    const state: typeof store.state = async (stream) => ({
      ...(await store.state(stream)),
      created: new Date(begin).toISOString(),
    });
    const stop = new AbortController();
    const context = {
      connection: { status: async function* () {} },
      store: { ...store, state },
      clock: wrong,
      random: systemRandom,
      log: quiet,
    } as unknown as BridgeContext;
    const changed: string[] = [];
    const { nodes, registry, serverNow } = followNodes(context, createOutage(quiet, 'back'), stop.signal, (node) => {
      changed.push(`${node} ${nodes.view(node, serverNow()).state}`);
    });
    const { entry } = registered('lax1');
    const beat = (): Promise<unknown> =>
      store.append(nodesStream, { subject: nodeSubject('lax1'), body: JSON.stringify(entry), headers: {} });
    await beat();
    await registry.settled;
    await clock.pass(1);
    expect(Math.abs(serverNow() - clock.now())).toBeLessThan(1000);
    for (let beats = 0; beats < 12; beats++) {
      await beat();
      await clock.pass(10_000);
      expect(nodes.view('lax1', serverNow()).state).toBe('reachable');
    }
    expect(new Set(changed)).toEqual(new Set(['lax1 reachable']));
    await clock.pass(15_000);
    expect(nodes.view('lax1', serverNow()).state).toBe('reachable');
    await clock.pass(10_000);
    expect(changed.at(-1)).toBe('lax1 unreachable');
    await beat();
    await clock.pass(2000);
    expect(changed.at(-1)).toBe('lax1 reachable');
    stop.abort();
  },
);
