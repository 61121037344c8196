import { TestClock } from '@ifactor/common/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verdictWords } from '../../interface/words/verdict.ts';
import { MemoryKernel } from '../../testing/memory/kernel.ts';
import { TestNode } from '../../testing/node.ts';
import type { Actor } from './actor.ts';

const spec = (more: object = {}) => ({
  interfaceName: 'br0',
  type: 'bridge',
  up: true,
  mtu: 1400,
  addresses: [],
  ...more,
});
const hour = 3_600_000;

describe('an interface that nothing is done to', () => {
  let kernel: MemoryKernel;
  let clock: TestClock;
  let node: TestNode;

  beforeEach(() => {
    kernel = new MemoryKernel();
    kernel.addNetns('home');
    clock = new TestClock();
    node = new TestNode({ kernel, path: (place) => place, clock });
  });
  afterEach(() => node.dispose());

  const apply = (more?: object): Actor => node.apply('NetlinkInterface', 'br', spec(more));
  const unlink = async (): Promise<void> => {
    const home = await kernel.open('home');
    await home.deleteLink(home.link('br0')?.index ?? 0);
    await home.barrier();
    home.close();
  };
  const isThere = async (): Promise<boolean> => {
    const home = await kernel.open('home');
    const there = home.link('br0') !== undefined;
    home.close();
    return there;
  };
  const pauseFor = (actor: Actor, milliseconds: number): void =>
    node.runner.tell(
      actor,
      { type: 'Paused', data: { by: 'mona', until: new Date(clock.now() + milliseconds).toISOString() } },
      null,
    );

  test('by a pause is healed when the pause is over, and not before', async () => {
    const actor = apply();
    await node.settles(actor, 'configured');
    pauseFor(actor, 2 * hour);
    await unlink();
    await node.until(() => actor.snapshot.context.ready.status === 'Unknown');
    expect(verdictWords(actor.snapshot.context)).toContain('link: wanted br0, found none');
    await clock.pass(2 * hour - 1);
    expect(await isThere()).toBe(false);
    await clock.pass(1);
    await node.until(() => actor.snapshot.context.ready.status === 'True');
    expect(await isThere()).toBe(true);
  });

  test('by a pause is so after a restart of the agent, and not longer', async () => {
    const before = apply();
    await node.settles(before, 'configured');
    pauseFor(before, 2 * hour);
    await node.until(() => before.snapshot.context.paused !== null);
    node.stop();
    await unlink();
    await clock.pass(hour);

    node = new TestNode({ kernel, path: (place) => place, clock, folder: node.folder });
    node.runner.restore('test');
    const actor = node.runner.actor(before.key);
    await node.until(
      () => verdictWords(actor.snapshot.context).includes('the kernel differs: link: wanted br0, found none'),
      () => node.story(actor),
    );
    expect(actor.snapshot.context.ready.status).toBe('Unknown');
    expect(await isThere()).toBe(false);
    await clock.pass(hour);
    await node.until(() => actor.snapshot.context.ready.status === 'True');
  });

  test('by spec.mode Observe is not made before the mode is Manage', async () => {
    const actor = apply({ mode: 'Observe' });
    await node.until(() => actor.snapshot.context.verdict.reason === 'WouldChange');
    expect(await isThere()).toBe(false);
    expect(node.events(actor).map(({ type }) => type)).toEqual(['SpecChanged', 'NetnsResolved', 'LinkObserved']);
    apply();
    await node.settles(actor, 'configured');
    expect(await isThere()).toBe(true);
    // Somebody takes it away while it is paused in Git.
    apply({ mode: 'Paused' });
    await node.until(() => actor.snapshot.context.verdict.reason === 'Paused');
    await unlink();
    await node.until(() => actor.snapshot.context.ready.status === 'Unknown');
    expect(await isThere()).toBe(false);
    apply();
    await node.until(() => actor.snapshot.context.ready.status === 'True');
    expect(await isThere()).toBe(true);
  });
});
