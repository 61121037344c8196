import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventType } from '@ifactor/crds';
import { MemoryKernel } from '../../testing/memory/kernel.ts';
import { publicKeyOf } from '@ifactor/common/wireguardKey';
import type { Netns } from '../../kernel/index.ts';
import type { Clock } from '@ifactor/common';
import { TestClock } from '@ifactor/common/testing';
import { TestNode } from '../../testing/node.ts';
import type { Actor } from './actor.ts';
import { describeVerdict, verdictWords } from '../../interface/words/verdict.ts';

const second = 1000;
const good = { interfaceName: 'br0', type: 'bridge', up: true, mtu: 1400, addresses: [{ ipcidr: '10.0.0.1/24' }] };
const bad = { ...good, mtu: 1300, confirm: { timeoutSeconds: 30 } };

const withPeer = (publicKey: string, more: object = {}): object => ({
  interfaceName: 'wg0',
  peers: [{ publicKey, presharedKeySecretRef: { name: 's', key: 'k' } }],
  ...more,
});

describe('a change with spec.confirm', () => {
  const kernel = new MemoryKernel();
  let clock: TestClock;
  let node: TestNode;
  let home: Netns;
  let nats: boolean;

  let offset: number;
  /** The wall clock can be set; the monotonic one cannot. */
  const settable: Clock = {
    now: () => clock.now() + offset,
    monotonic: () => clock.monotonic(),
    after: (milliseconds, elapsed) => clock.after(milliseconds, elapsed),
  };

  const open = (folder?: string): TestNode =>
    new TestNode({
      kernel,
      path: (place) => place,
      clock: settable,
      nats: async () => nats,
      ...(folder === undefined ? {} : { folder }),
    });

  beforeEach(async () => {
    kernel.addNetns('home');
    kernel.addNetns('far');
    clock = new TestClock();
    offset = 0;
    nats = true;
    node = open();
    home = await kernel.open('home');
  });
  afterEach(() => {
    node.dispose();
    home.close();
    for (const path of ['home', 'far']) kernel.removeNetns(path);
  });

  const mtu = async (): Promise<number | undefined> => {
    await home.barrier();
    return home.link('br0')?.mtu;
  };
  const types = (actor: Actor): EventType[] => node.events(actor).map(({ type }) => type);
  const worked = async (): Promise<void> => node.settles(node.apply('NetlinkInterface', 'br0', good), 'configured');
  /** The one actor of the agent that follows the one that was stopped. */
  const restarted = (): Actor => {
    const { folder } = node;
    node = open(folder);
    node.runner.restore('test');
    const [actor] = [...node.runner.actors.values()] as [Actor];
    return actor;
  };
  const says = (actor: Actor, reason: string): Promise<void> =>
    node.until(
      () => actor.snapshot.context.verdict.reason === reason,
      () => node.story(actor),
    );
  /** Applies a spec and waits until it is in the kernel and on trial. */
  const tried = async (spec: object): Promise<Actor> => {
    const actor = node.apply('NetlinkInterface', 'br0', spec);
    await node.until(
      () => actor.snapshot.context.verdict.reason === 'Confirming' && actor.snapshot.value === 'configured',
      () => node.story(actor),
    );
    return actor;
  };

  it.each([1, -1])('is neither rolled back nor kept early when somebody sets the clock by %d h', async (hours) => {
    await worked();
    const actor = await tried(bad);
    offset = hours * 3600 * second;
    await clock.pass(10 * second);
    expect(types(actor)).not.toContain('SpecConfirmed');
    expect(types(actor)).not.toContain('SpecRolledBack');
    nats = false;
    await clock.pass(29 * second);
    expect(types(actor)).not.toContain('SpecRolledBack');
    await clock.pass(3 * second);
    await node.settles(actor, 'configured');
    expect(types(actor)).toContain('SpecRolledBack');
    expect(types(actor)).not.toContain('SpecConfirmed');
  });

  it.each([1, -1])(
    'is not kept early by an agent that starts when somebody has set the clock by %d h',
    async (hours) => {
      await worked();
      await tried(bad);
      await clock.pass(10 * second);
      node.stop();
      offset = hours * 3600 * second;
      const actor = restarted();
      await says(actor, 'Confirming');
      await clock.pass(3 * second);
      nats = false;
      await clock.pass(40 * second);
      await says(actor, 'RolledBack');
      expect(types(actor)).not.toContain('SpecConfirmed');
      expect(await mtu()).toBe(1400);
    },
  );

  it('is confirmed while the node reaches NATS, and only then Ready', async () => {
    await worked();
    const actor = await tried(bad);
    expect(actor.snapshot.context.ready.status).toBe('Unknown');
    expect(verdictWords(actor.snapshot.context)).toContain('still reaches NATS');
    await clock.pass(29 * second);
    expect(types(actor)).not.toContain('SpecConfirmed');
    await clock.pass(2 * second);
    await node.settles(actor, 'configured');
    expect(types(actor)).toContain('SpecConfirmed');
    expect(actor.snapshot.context).toMatchObject({ verdict: { reason: 'Configured' }, ready: { status: 'True' } });
    nats = false;
    await clock.pass(100 * second);
    expect(await mtu()).toBe(1300);
  });

  it('is rolled back to the last spec that worked when the node loses NATS, says so, and stays', async () => {
    await worked();
    const actor = await tried(bad);
    await clock.pass(5 * second);
    nats = false;
    await clock.pass(20 * second);
    expect(await mtu()).toBe(1300);
    await clock.pass(15 * second);
    await node.settles(actor, 'configured');
    expect(await mtu()).toBe(1400);
    expect(actor.snapshot.context.ready.status).toBe('False');
    expect(describeVerdict(actor.snapshot.context)).toEqual({
      state: 'configured',
      reason: 'RolledBack',
      message:
        'generation 2 made the node lose NATS for 30 s; rolled back to generation 1, which stays in force: change the spec to try again',
    });
    expect(node.events(actor).find(({ type }) => type === 'SpecRolledBack')?.data).toEqual({
      generation: 2,
      to: 1,
      lost: ['nats'],
      seconds: 30,
    });

    nats = true;
    node.apply('NetlinkInterface', 'br0', bad);
    await clock.pass(60 * second);
    expect(actor.snapshot.context).toMatchObject({ verdict: { reason: 'RolledBack' }, desired: { generation: 3 } });
    expect(await mtu()).toBe(1400);

    await home.changeLink(home.link('br0')!.index, { mtu: 1280 });
    await node.until(
      () => types(actor).includes('DriftObserved'),
      () => node.story(actor),
    );
    await node.settles(actor, 'configured');
    expect(await mtu()).toBe(1400);
    expect(actor.snapshot.context.verdict.reason).toBe('RolledBack');

    await tried({ ...bad, mtu: 1301 });
    await clock.pass(31 * second);
    await node.settles(actor, 'configured');
    expect(actor.snapshot.context.verdict.reason).toBe('Configured');
    expect(await mtu()).toBe(1301);
  });

  it('survives a NATS that was away for less than its time', async () => {
    await worked();
    const actor = await tried(bad);
    await clock.pass(20 * second);
    nats = false;
    await clock.pass(25 * second);
    nats = true;
    await clock.pass(3 * second);
    expect(types(actor)).toContain('SpecConfirmed');
    expect(await mtu()).toBe(1300);
  });

  it('is not blamed for a NATS that was away before', async () => {
    await worked();
    nats = false;
    const actor = await tried(bad);
    expect(verdictWords(actor.snapshot.context)).toContain('so it is confirmed');
    await clock.pass(200 * second);
    expect(types(actor)).toContain('SpecConfirmed');
    expect(await mtu()).toBe(1300);
  });

  it('is rolled back by an agent that was killed during the trial and cannot reach NATS any more', async () => {
    await worked();
    await tried(bad);
    await clock.pass(10 * second);
    node.stop();
    nats = false;
    await clock.pass(3600 * second);
    const actor = restarted();
    await says(actor, 'Confirming');
    await clock.pass(34 * second);
    expect(await mtu()).toBe(1300);
    await clock.pass(3 * second);
    await says(actor, 'RolledBack');
    expect(await mtu()).toBe(1400);
  });

  it('stays rolled back over a restart of the agent', async () => {
    await worked();
    await tried(bad);
    nats = false;
    await clock.pass(40 * second);
    node.stop();
    nats = true;
    const actor = restarted();
    await node.until(
      () => actor.snapshot.context.observed !== null,
      () => node.story(actor),
    );
    await clock.pass(60 * second);
    expect(actor.snapshot.context.verdict.reason).toBe('RolledBack');
    expect(await mtu()).toBe(1400);
  });

  it('takes its link away where no spec worked before', async () => {
    const actor = await tried(bad);
    nats = false;
    await clock.pass(40 * second);
    await node.settles(actor, 'failed');
    expect(await mtu()).toBeUndefined();
    expect(describeVerdict(actor.snapshot.context)).toMatchObject({
      reason: 'RolledBack',
      message: expect.stringContaining('its links are removed'),
    });
    node.apply('NetlinkInterface', 'br0', good);
    await node.settles(actor, 'configured');
    expect(await mtu()).toBe(1400);
  });

  it('leaves a link that was there before ifactor', async () => {
    await home.createLink({ kind: 'bridge', name: 'br0' });
    const actor = await tried(bad);
    nats = false;
    await clock.pass(40 * second);
    await node.settles(actor, 'failed');
    expect(await mtu()).toBe(1300);
    expect(verdictWords(actor.snapshot.context)).toContain('left as it is');
  });

  it('has nothing to prove where the kernel is as declared already', async () => {
    await worked();
    const actor = node.apply('NetlinkInterface', 'br0', { ...good, confirm: { timeoutSeconds: 30 } });
    await node.settles(actor, 'configured');
    nats = false;
    await clock.pass(100 * second);
    expect(types(actor)).not.toContain('ConfirmBegan');
    expect(actor.snapshot.context.ready.status).toBe('True');
  });

  it('is watched by the probe as well, from the netns of the interface', async () => {
    const spec = {
      interfaceName: 've0',
      type: 'veth',
      up: true,
      addresses: [{ ipcidr: '10.0.0.1/24' }],
      veth: { peer: { container: { docker: { name: 'far' } }, addresses: [{ ipcidr: '10.0.0.2/24' }] } },
    };
    const actor = node.apply('NetlinkInterface', 've0', spec);
    await node.settles(actor, 'moved-to-netns');
    node.apply('NetlinkInterface', 've0', {
      ...spec,
      veth: { peer: { container: { docker: { name: 'far' } }, addresses: [{ ipcidr: '10.0.0.3/24' }] } },
      confirm: { timeoutSeconds: 5, probe: '10.0.0.2' },
    });
    await node.until(
      () => types(actor).includes('ConfirmBegan'),
      () => node.story(actor),
    );
    await node.settles(actor, 'moved-to-netns');
    await clock.pass(7 * second);
    await says(actor, 'RolledBack');
    expect(verdictWords(actor.snapshot.context)).toContain('lose the probe 10.0.0.2 for 5 s');
    await node.settles(actor, 'moved-to-netns');
    expect(await home.reaches('10.0.0.2')).toBe(true);
  });

  it('goes back to the keys of the spec that worked, and stays with them over a restart', async () => {
    const [peer, other] = [7, 8].map((byte) => publicKeyOf(Buffer.alloc(32, byte))) as [string, string];
    const key = (byte: number): string => node.secret('default', 'wg0', 'privateKey', Buffer.alloc(32, byte));
    const publicKey = key(1);
    for (const one of [peer, other]) node.secret('default', 'wg0', `psk:${one}`, Buffer.alloc(32, 2));
    let actor = node.apply('WireGuardInterface', 'wg0', withPeer(peer));
    await node.settles(actor, 'configured');

    const fingerprint = key(3);
    node.apply('WireGuardInterface', 'wg0', withPeer(other, { confirm: { timeoutSeconds: 5 } }));
    node.runner.tell(actor, { type: 'SecretResolved', data: { ref: 'privateKey', version: '2', fingerprint } }, null);
    await node.until(
      () => actor.snapshot.context.verdict.reason === 'Confirming' && actor.snapshot.value === 'configured',
      () => node.story(actor),
    );
    expect((await home.wireguard.get('wg0')).publicKey).toBe(fingerprint);
    nats = false;
    await clock.pass(10 * second);
    await node.settles(actor, 'configured');
    const device = async (): Promise<unknown> => {
      const { publicKey: own, peers } = await home.wireguard.get('wg0');
      return { own, peers: peers.map((one) => [one.publicKey, one.presharedKey?.[0]]) };
    };
    const before = { own: publicKey, peers: [[peer, 2]] };
    expect(await device()).toEqual(before);

    const { folder, keys } = node;
    node.stop();
    node = open(folder);
    for (const [print, value] of keys) node.keys.set(print, value);
    key(3);
    node.runner.restore('test');
    [actor] = [...node.runner.actors.values()] as [Actor];
    await node.until(
      () => actor.snapshot.context.observed !== null,
      () => node.story(actor),
    );
    await clock.pass(20 * second);
    expect(await device()).toEqual(before);
    expect(actor.snapshot.context.verdict.reason).toBe('RolledBack');
  });

  it('gives up its trial when the object is deleted', async () => {
    await worked();
    const actor = await tried(bad);
    nats = false;
    node.delete('NetlinkInterface', 'br0');
    await node.settles(actor, 'deleted');
    await clock.pass(100 * second);
    expect(types(actor)).not.toContain('SpecRolledBack');
    expect(actor.snapshot.value).toBe('deleted');
  });
});
