import { eventStoreOf, streams } from '@ifactor/common/nats';
import { until } from '@ifactor/common/testing';
import { DesiredSchema, formatDesiredSubject } from '@ifactor/crds';
import type { Desired } from '@ifactor/crds';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startGate } from './gate.ts';
import { expectOnlyNewer, link, ready, record, startKernelAgent } from './kernel.ts';
import { startProxy } from './proxy.ts';
import type { Proxy } from './proxy.ts';
import { startWorld } from './world.ts';
import type { World } from './world.ts';

/*
 * What keeps newer from being replaced by older, one fence at a time: each test takes a bridge to where only one of them
 * stands between it and harm, and fails without that one.
 */

const short = ['--lease-seconds', '4', '--tombstone-seconds', '1'];
const subjectOf = (name: string): string =>
  formatDesiredSubject({ node: 'lax1', kind: 'netlinkinterface', namespace: 'default', name });
const told = (messages: readonly Desired[], of: string): unknown[] =>
  messages.filter(({ name }) => name === of).map(({ spec, deleted }) => deleted ?? spec['mtu']);

async function proxyOf(world: World): Promise<Proxy> {
  const proxy = await startProxy('127.0.0.1', world.nats.port);
  onTestFinished(() => proxy.shut());
  return proxy;
}

// Network namespaces need root.
describe.skipIf(process.getuid?.() !== 0)('one fence is enough:', () => {
  // The expected sequence: the message has left the bridge, which led as it did, and is under way while another one leads.
  test('a message that reaches the stream after a successor wrote is refused by the stream', async () => {
    await using world = await startWorld();
    const { links } = startKernelAgent(world);
    const proxy = await proxyOf(world);
    const frozen = await world.bridge('frozen', undefined, ...short, '--nats', `nats://127.0.0.1:${proxy.port}`);
    const successor = await world.bridge('successor', undefined, ...short);
    await world.create(link('br0', 'bridge', { mtu: 1500 }));
    await ready(world, 'br0');
    const messages = await record(await world.nats.connect());

    proxy.toServer.shut();
    await world.patch('netlinkinterfaces', 'br0', { spec: { mtu: 1400 } });
    await until(() => /PUB ifactor\.desired\.\S+\.br0 [^]*"mtu":1400/.test(proxy.toServer.kept()), 'the message');
    frozen.send('SIGSTOP');
    // The successor never says what is under way, or the stream would take that for a duplicate.
    await world.patch('netlinkinterfaces', 'br0', { spec: { mtu: 1300 } });
    await successor.said(/ leading/);
    await ready(world, 'br0');

    proxy.toClient.shut();
    proxy.toServer.open();
    await until(() => /"stream":"IFACTOR_DESIRED"/.test(proxy.toClient.kept()), 'the answer to the late message');
    proxy.toClient.open();
    frozen.send('SIGCONT');
    await frozen.said(/no longer leading/);
    await world.create(link('late'));
    await ready(world, 'br0', 'late');
    expect(told(messages, 'br0')).toEqual([1500, 1300]);
    expect(links()['br0']?.mtu).toBe(1300);
  }, 180_000);

  // The lease: the stream has forgotten the object, as the agent has, so neither can refuse it.
  test('a bridge that wakes does not bring back what came and went while it was stopped', async () => {
    await using world = await startWorld();
    const { links } = startKernelAgent(world);
    const proxy = await proxyOf(world);
    await using gate = await startGate(world.kubeconfig);
    const frozen = await world.bridge('frozen', gate.kubeconfig, ...short, '--nats', `nats://127.0.0.1:${proxy.port}`);
    const successor = await world.bridge('successor', undefined, ...short);
    await world.create(link('br0'));
    await ready(world, 'br0');
    const connection = await world.nats.connect();
    const messages = await record(connection);

    gate.slow(({ path }) => path === 'netlinkinterfaces' || path.startsWith('leases'));
    gate.answers.shut();
    await world.create(link('brief'));
    await until(() => gate.answers.kept().includes('"brief"'), 'the watch to tell of it');
    frozen.send('SIGSTOP');
    proxy.toClient.shut();
    // It lies before the stopped bridge, which has nothing of what follows.
    gate.answers.drain();
    await successor.said(/ leading/);
    await ready(world, 'brief');
    await world.remove('netlinkinterfaces', 'brief');
    const manager = await jetstreamManager(connection);
    await until(
      async () =>
        (await manager.streams.getMessage(streams.desired, { last_by_subj: subjectOf('brief') })) === null &&
        (await world.get('netlinkinterfaces', 'brief')) === undefined,
      'everybody to have forgotten it',
      60_000,
    );

    frozen.send('SIGCONT');
    await frozen.said(/no longer leading/);
    gate.answers.open();
    proxy.toClient.open();
    await world.create(link('late'));
    await ready(world, 'br0', 'late');
    expectOnlyNewer(messages);
    expect(told(messages, 'brief').at(-1)).toBe(true);
    expect(Object.keys(links()).toSorted()).toEqual(['br0', 'late']);
  }, 180_000);

  // The API server's own answer: this bridge leads, by a Lease of its own, and knows the stream, but its watch is behind.
  test('a bridge whose watch is behind says nothing old, and concludes no deletion', async () => {
    await using world = await startWorld();
    const { links } = startKernelAgent(world);
    await using gate = await startGate(world.kubeconfig);
    await world.bridge('behind', gate.kubeconfig, ...short);
    await world.shareSigningKey('kube-system');
    await world.bridge('ahead', undefined, ...short, '--lease-namespace', 'kube-system', '--take-over');
    await world.create(link('br0', 'bridge', { mtu: 1500 }));
    await ready(world, 'br0');
    const messages = await record(await world.nats.connect());

    gate.slow(({ path }) => path === 'netlinkinterfaces');
    gate.answers.shut();
    const from = gate.passed.length;
    const asked = (name: string): Promise<unknown> =>
      until(
        () =>
          gate.passed.slice(from).some(({ method, path }) => method === 'GET' && path === `netlinkinterfaces/${name}`),
        `the API server to be asked for ${name}`,
      );
    await world.create(link('unseen'));
    await world.patch('netlinkinterfaces', 'br0', { spec: { mtu: 1400 } });
    await ready(world, 'br0', 'unseen');
    await asked('br0');
    await asked('unseen');
    await world.create(link('late'));
    await ready(world, 'late');
    await asked('late');
    gate.answers.open();
    await world.create(link('later'));
    await ready(world, 'br0', 'unseen', 'late', 'later');
    expectOnlyNewer(messages);
    expect(told(messages, 'br0')).toEqual([1500, 1400]);
    expect(messages.filter(({ deleted }) => deleted)).toEqual([]);
    expect(Object.keys(links()).toSorted()).toEqual(['br0', 'late', 'later', 'unseen']);
  }, 120_000);

  // The agent: a bridge of a former release asks no lease and expects no sequence.
  test('an agent refuses what a bridge without fences stores, and the leader sets the stream right', async () => {
    await using world = await startWorld();
    const { links } = startKernelAgent(world);
    await world.bridge('test', undefined, ...short);
    await world.create(link('br0', 'bridge', { mtu: 1500 }));
    await ready(world, 'br0');
    const connection = await world.nats.connect();
    const store = eventStoreOf(connection);
    const old = await until(() => store.last(streams.desired, subjectOf('br0')), 'the first message');
    await world.patch('netlinkinterfaces', 'br0', { spec: { mtu: 1400 } });
    await ready(world, 'br0');
    const before = links();

    const first = DesiredSchema.parse(JSON.parse(old.body));
    for (const body of [first, { ...first, deleted: true, spec: {} }]) {
      const { seq } = await jetstream(connection).publish(subjectOf('br0'), JSON.stringify(body));
      const right = await until(async () => {
        const last = await store.last(streams.desired, subjectOf('br0'));
        return last !== undefined && last.sequence > seq && last;
      }, 'the leader to set it right');
      expect(JSON.parse(right.body)).toMatchObject({ uid: first.uid, generation: 2, spec: { mtu: 1400 } });
    }
    await world.create(link('late'));
    await ready(world, 'br0', 'late');
    expect(links()).toMatchObject(before);
    const events = 'ifactor.event.lax1.netlinkinterface.default.br0.>';
    const facts: string[] = [];
    for (let at = 1; ;) {
      const event = await store.next(streams.events, at, events);
      if (event === undefined) break;
      facts.push(event.subject.split('.').at(-1) ?? '');
      at = event.sequence + 1;
    }
    expect(facts.filter((type) => type === 'SpecChanged')).toHaveLength(2);
    expect(facts).not.toContain('DeletionRequested');
  }, 120_000);
});
