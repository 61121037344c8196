import { createLog, systemClock } from '@ifactor/common';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Desired } from '@ifactor/crds';
import { desiredObject } from '../../testing/desired.ts';
import { MemoryKernel } from '../../testing/memory/kernel.ts';
import { TestNode } from '../../testing/node.ts';
import { openJournal } from '../journal/journal.ts';
import { loadIdentity } from '../secrets/identity.ts';
import { Secrets } from '../secrets/secrets.ts';
import { DesiredReceiver } from './receiver.ts';
import { DesiredStore } from './store.ts';

const key = { kind: 'netlinkinterface', namespace: 'default', name: 'br0' };
const message = (generation: number, resourceVersion: string, more: Partial<Desired> = {}): Desired =>
  desiredObject(
    'br0',
    generation,
    { node: 'n1', interfaceName: 'br0', type: 'bridge', up: true, mtu: 1300 + generation, addresses: [] },
    { uid: 'u1', resourceVersion, ...more },
  );
const tombstone = (generation: number, resourceVersion: string): Desired =>
  message(generation, resourceVersion, { deleted: true, spec: {} });

describe('a message about an object', () => {
  const kernel = new MemoryKernel();
  let node: TestNode;
  let receiver: DesiredReceiver;

  beforeEach(() => {
    kernel.addNetns('home');
    node = new TestNode({ kernel, path: (place) => place });
    const log = createLog('test', 'error');
    const secrets = new Secrets(loadIdentity(node.folder), node.folder, systemClock);
    receiver = new DesiredReceiver(node.runner, new DesiredStore(node.journal, log), secrets, log);
  });
  afterEach(() => {
    node.dispose();
    kernel.removeNetns('home');
  });

  const receive = (...messages: Desired[]): void => {
    for (const one of messages) receiver.receive(key, one);
  };
  const settled = (): Promise<void> => node.settles(node.runner.actor(key), 'configured');
  const mtu = async (): Promise<number | undefined> => {
    const home = await kernel.open('home');
    await home.barrier();
    const found = home.link('br0')?.mtu;
    home.close();
    return found;
  };
  const types = (): string[] => node.events().map(({ type }) => type);
  const specs = (): string[] => types().filter((type) => type === 'SpecChanged');

  test('with a lower generation is refused, whether the newer one is folded or still queued', async () => {
    receive(message(3, '30'), message(2, '20'));
    await settled();
    receive(message(2, '20'));
    await settled();
    expect(await mtu()).toBe(1303);
    expect(types().filter((type) => type === 'SpecChanged')).toHaveLength(1);
  });

  test.each([
    ['of an older generation', tombstone(2, '20')],
    ['of an older version of the same generation', tombstone(3, '25')],
  ])('that says it is gone %s is refused', async (_, stale) => {
    receive(message(3, '30'), stale);
    await settled();
    receive(stale);
    await settled();
    expect(types()).not.toContain('DeletionRequested');
    expect(await mtu()).toBe(1303);
  });

  test.each([
    ['where it is no older', '30'],
    ['where the API server said so, with no version', ''],
  ])('that says it is gone is taken %s', async (_, version) => {
    receive(message(3, '30'));
    await settled();
    receive(tombstone(3, version));
    const actor = node.runner.actor(key);
    await node.until(() => actor.snapshot.value === 'deleted');
    expect(await mtu()).toBeUndefined();
  });

  test('that declares it again after it was said to be gone makes it again, at once and later', async () => {
    receive(message(3, '30'));
    await settled();
    receive(tombstone(3, '30'), message(3, '31'));
    await node.until(
      () => types().includes('DeletionRequested') && node.runner.actor(key).snapshot.value === 'configured',
      () => node.story(),
    );
    expect(await mtu()).toBe(1303);
  });

  test('that was sent before its deletion does not bring it back', async () => {
    receive(message(3, '30'));
    await settled();
    receive(message(4, '40', { deletionTimestamp: '2026-01-02T00:00:00Z' }), message(3, '30'), message(4, '39'));
    await node.settles(node.runner.actor(key), 'deleted');
    expect(await mtu()).toBeUndefined();
  });

  test('that this version reads otherwise than the one before is told again, once', async () => {
    receive(message(3, '30', { hint: 'of a later bridge' } as object));
    await settled();
    const restart = async (): Promise<void> => {
      const { folder } = node;
      node = new TestNode({ kernel, path: (place) => place, folder });
      const log = createLog('test', 'error');
      const secrets = new Secrets(loadIdentity(folder), folder, systemClock);
      receiver = new DesiredReceiver(node.runner, new DesiredStore(node.journal, log), secrets, log);
      node.runner.restore('test');
      receiver.restore();
      node.runner.flush();
      await settled();
    };
    node.stop();
    // As a version leaves it that knew no mtu.
    const journal = openJournal(node.folder, { node: 'n1' });
    const [last] = journal.snapshots();
    const frozen = JSON.parse(last?.body ?? '') as { context: { spec: object } };
    frozen.context.spec = { ...frozen.context.spec, mtu: undefined };
    journal.saveSnapshot(last?.key ?? '', journal.last(), JSON.stringify(frozen));
    journal.close();
    await restart();
    expect(specs()).toHaveLength(2);
    expect(node.runner.actor(key).snapshot.context.spec).toMatchObject({ mtu: 1303 });
    // What no version at hand knows waits for one that does.
    expect(node.journal.allDesired().get('netlinkinterface/default/br0')).toMatchObject({ hint: 'of a later bridge' });
    node.stop();
    await restart();
    expect(specs()).toHaveLength(2);
  });
});
