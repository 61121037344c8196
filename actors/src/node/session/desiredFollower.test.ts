import { createLog } from '@ifactor/common';
import { formatDesiredSubject } from '@ifactor/crds';
import type { Desired } from '@ifactor/crds';
import { ensureStreams, eventStoreOf, streams } from '@ifactor/common/nats';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { describe, expect, test, vi } from 'vitest';
import { natsBench } from '../../testing/bench.ts';
import { desiredObject } from '../../testing/desired.ts';
import { followDesired } from './desiredFollower.ts';
import { systemRuntime } from '../../runtime.ts';

vi.setConfig({ testTimeout: 60_000 });
const bench = natsBench();
const node = 'lax1';
const runtime = systemRuntime(createLog('test', 'debug', () => undefined));

const desired = (name: string, generation: number, more: Partial<Desired> = {}): Desired =>
  desiredObject(name, generation, { node }, more);
const subjectOf = (name: string, on = node): string =>
  formatDesiredSubject({ node: on, kind: 'netlinkinterface', namespace: 'default', name });

async function publish(...bodies: Desired[]): Promise<void> {
  const connection = await bench.dial();
  await ensureStreams(connection);
  for (const body of bodies) await jetstream(connection).publish(subjectOf(body.name), JSON.stringify(body));
}
async function follow() {
  const seen: string[] = [];
  const malformed: string[] = [];
  const caught: string[][] = [];
  const follower = followDesired({
    store: eventStoreOf(await bench.dial()),
    node,
    runtime,
    admits: () => true,
    put: (key, { generation, deleted }) =>
      void seen.push(`${key.name}@${generation}${deleted === true ? ' gone' : ''}`),
    malformed: (subject, error) => void malformed.push(`${subject}: ${error.message}`),
    caughtUp: (keys) => void caught.push([...keys].toSorted()),
  });
  bench.cleanup(() => follower.stop());
  return { seen, malformed, caught };
}
const key = (name: string): string => `netlinkinterface/default/${name}`;
async function until(holds: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(holds()).toBe(true), { timeout: 20_000, interval: 10 });
}

describe('what is desired', () => {
  test('is given as the last word on each object, then as it changes', async () => {
    await publish(desired('a', 1), desired('a', 2), desired('b', 1), desired('b', 2, { deleted: true }));
    const { seen, caught } = await follow();
    await until(() => caught.length === 1);
    expect(seen.toSorted()).toEqual(['a@2', 'b@2 gone']);
    expect(caught).toEqual([[key('a'), key('b')]]);
    await publish(desired('a', 3), desired('c', 1));
    await until(() => seen.length === 4);
    expect(seen.slice(2)).toEqual(['a@3', 'c@1']);
  });

  test("may be nothing, which is told as well; other nodes' objects are not ours", async () => {
    const connection = await bench.dial();
    await ensureStreams(connection);
    await jetstream(connection).publish(subjectOf('a', 'lax2'), JSON.stringify(desired('a', 1)));
    const { seen, caught } = await follow();
    await until(() => caught.length === 1);
    expect(caught).toEqual([[]]);
    await publish(desired('b', 1));
    await until(() => seen.length === 1);
    expect(seen).toEqual(['b@1']);
  });

  test('that is malformed is told and does not hold up the rest', async () => {
    await publish(desired('a', 1));
    const js = jetstream(await bench.dial());
    await js.publish(subjectOf('x'), '{"privateKey": hunter2');
    await js.publish(subjectOf('y'), JSON.stringify({ ...desired('y', 1), generation: 'one' }));
    await js.publish(subjectOf('z'), JSON.stringify(desired('other', 1)));
    const { seen, malformed, caught } = await follow();
    await until(() => caught.length === 1);
    expect(seen).toEqual(['a@1']);
    expect(malformed).toHaveLength(3);
    expect(malformed.join()).toContain('generation');
    expect(malformed.join()).toContain('NetlinkInterface default/other');
    expect(malformed.join()).not.toContain('hunter2');
  });

  test('goes on after NATS was killed, and after it lost its store', async () => {
    await publish(desired('a', 1), desired('b', 1));
    const { seen, caught } = await follow();
    await until(() => caught.length === 1);
    await bench.restart();
    await until(() => caught.length === 2);
    expect(caught[1]).toEqual([key('a'), key('b')]);
    await bench.restart(true);
    await until(() => caught.length === 3);
    expect(caught[2]).toEqual([]);
    await publish(desired('a', 7));
    await until(() => seen.at(-1) === 'a@7');
  });

  test('goes on after its stream was recreated under a living connection', async () => {
    await publish(desired('a', 1), desired('b', 1));
    const { seen, caught } = await follow();
    await until(() => caught.length === 1);
    await (await jetstreamManager(await bench.dial())).streams.delete(streams.desired);
    await publish(desired('a', 7));
    await vi.waitFor(() => expect(seen.at(-1)).toBe('a@7'), 20_000);
  });
});
