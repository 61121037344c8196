import { TestClock } from '@ifactor/common/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { InterfaceSpec } from '@ifactor/crds';
import { dummy } from '../../interface/kind/registry.ts';
import { MemoryKernel } from '../../testing/memory/kernel.ts';
import { TestNode } from '../../testing/node.ts';
import type { Actor, Fact } from './actor.ts';
import { failureWords } from '../../interface/words/verdict.ts';

const spec = (name: string, mtu: number) => ({ interfaceName: name, type: 'dummy', up: true, mtu, addresses: [] });
const places = ['places', 'names', 'secrets', 'devices', 'diff'] as const;

/** Only a look asks which devices must be up. */
function mustBeUp({ interfaceName }: InterfaceSpec): string[] {
  if (interfaceName === 'bad0') throw new Error('a defect while looking');
  return [];
}

describe('what one actor throws', () => {
  const kernel = new MemoryKernel();
  let clock: TestClock;
  let node: TestNode;
  let mend: () => void;

  beforeEach(() => {
    kernel.addNetns('home');
    clock = new TestClock();
    node = new TestNode({ kernel, path: (place) => place, clock });
  });
  afterEach(() => {
    mend();
    node.dispose();
    kernel.removeNetns('home');
  });

  /** From now on the rules throw for the interface bad0, at one place. */
  function breakAt(place: (typeof places)[number]): void {
    const sound = dummy[place] as (given: InterfaceSpec, ...more: unknown[]) => unknown;
    const broken = (given: InterfaceSpec, ...more: unknown[]): unknown => {
      if (given.interfaceName === 'bad0') throw new Error(`a defect at ${place}`);
      return sound(given, ...more);
    };
    Object.assign(dummy, { [place]: broken });
    mend = () => void Object.assign(dummy, { [place]: sound });
  }

  const failed = (actor: Actor): Promise<void> =>
    node.until(
      () => actor.snapshot.value === 'failed' && actor.snapshot.context.verdict.reason === 'InternalError',
      () => node.story(actor),
    );

  test.each(places)('at %s of its rules is its failure alone, and over once the cause is', async (place) => {
    const [good, bad] = ['good0', 'bad0'].map((name) => node.apply('NetlinkInterface', name, spec(name, 1400)));
    if (!good || !bad) throw new Error('two were applied');
    for (const actor of [good, bad]) await node.settles(actor, 'configured');

    breakAt(place);
    const from = node.journal.sequence;
    for (const name of ['good0', 'bad0']) node.apply('NetlinkInterface', name, spec(name, 1300));
    // Rules that are asked for places before the spec is in force keep the actor from taking the spec at all.
    await failed(bad);
    await node.settles(good, 'configured');
    expect(failureWords(bad.snapshot.context.failure)).toContain(`a defect at ${place}`);
    expect(bad.snapshot.context.ready.status).toBe('False');
    // It rests until its back-off is over.
    expect(node.journal.sequence - from).toBeLessThan(30);

    mend();
    node.apply('NetlinkInterface', 'bad0', spec('bad0', 1200));
    await node.settles(bad, 'configured');
    const home = await kernel.open('home');
    expect([home.link('good0')?.mtu, home.link('bad0')?.mtu]).toEqual([1300, 1200]);
    home.close();
  });

  test.each(places)('at %s during its deletion does not keep it from ending later', async (place) => {
    const bad = node.apply('NetlinkInterface', 'bad0', spec('bad0', 1400));
    await node.settles(bad, 'configured');
    breakAt(place);
    node.delete('NetlinkInterface', 'bad0');
    await node.until(
      () => bad.snapshot.value === 'deleted' || bad.snapshot.context.failure !== null,
      () => node.story(bad),
    );
    mend();
    await clock.pass(120_000);
    await node.settles(bad, 'deleted');
    const home = await kernel.open('home');
    expect(home.link('bad0')).toBeUndefined();
    home.close();
  });

  test('while the kernel is looked at is told as an event and in the condition, and over once the cause is', async () => {
    const [good, bad] = ['good0', 'bad0'].map((name) => node.apply('NetlinkInterface', name, spec(name, 1400)));
    if (!good || !bad) throw new Error('two were applied');
    for (const actor of [good, bad]) await node.settles(actor, 'configured');
    mend = () => void Reflect.deleteProperty(dummy, 'mustBeUp');
    Object.assign(dummy, { mustBeUp });
    for (const name of ['good0', 'bad0']) node.apply('NetlinkInterface', name, spec(name, 1300));
    await failed(bad);
    expect(failureWords(bad.snapshot.context.failure)).toContain('the agent failed to Observe: a defect while looking');
    expect(node.events(bad).map(({ type }) => type)).toContain('StepFailed');
    await node.settles(good, 'configured');
    mend();
    await clock.pass(120_000);
    await node.settles(bad, 'configured');
    expect(bad.snapshot.context.ready.status).toBe('True');
  });

  test('in the journal keeps no other actor from starting', async () => {
    mend = () => undefined;
    const good = node.apply('NetlinkInterface', 'good0', spec('good0', 1400));
    await node.settles(good, 'configured');
    const { folder, journal } = node;
    const later = { value: 'a-later-state', context: {} };
    journal.saveSnapshot('netlinkinterface/default/later0', journal.sequence, JSON.stringify(later));
    node.stop();
    node = new TestNode({ kernel, path: (place) => place, clock, folder });
    node.runner.restore('test');
    const [again, later0] = ['good0', 'later0'].map((name) =>
      node.runner.actor({ kind: 'netlinkinterface', namespace: 'default', name }),
    );
    if (!again || !later0) throw new Error('both were restored');
    await node.settles(again, 'configured');
    expect(later0.snapshot.value).toBe('pending');
    // As a later agent declares it again, the older one adopts what the kernel shows.
    await node.settles(node.apply('NetlinkInterface', 'later0', spec('later0', 1400)), 'configured');
  });

  test('is not what a later version wrote: an event that is not known says nothing', async () => {
    mend = () => undefined;
    const actor = node.apply('NetlinkInterface', 'good0', spec('good0', 1400));
    await node.settles(actor, 'configured');
    const before = actor.snapshot;
    node.runner.tell(actor, { type: 'OfALaterVersion', data: {} } as unknown as Fact, null);
    await node.until(() => actor.snapshot !== before);
    expect(actor.snapshot.context.spec).toEqual(before.context.spec);
    expect(actor.snapshot.value).toBe('configured');
  });
});
