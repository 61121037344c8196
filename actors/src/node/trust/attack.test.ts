import { createLog, systemClock, systemRandom } from '@ifactor/common';
import type { StoredMessage } from '@ifactor/common/eventStore';
import { DesiredSchema, parseDesiredSubject, signatureHeaders as names } from '@ifactor/crds';
import type { Desired } from '@ifactor/crds';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryKernel } from '../../testing/memory/kernel.ts';
import { TestNode } from '../../testing/node.ts';
import { declaredBridge, delivered, TestSigner } from '../../testing/signing.ts';
import { DesiredReceiver } from '../desired/receiver.ts';
import { DesiredStore } from '../desired/store.ts';
import { loadIdentity } from '../secrets/identity.ts';
import { Secrets } from '../secrets/secrets.ts';
import { Intake } from './intake.ts';
import { Trust } from './trust.ts';

/*
 * A machine in the middle of bridge and agent: it has every message that the bridge ever signed, for this node and another, and delivers
 * what it likes, in the order it likes. The agent is a real one on a kernel in memory, without its connection to NATS.
 */

/** A node whose messages a test delivers by hand. */
async function withNode(use: (world: World) => Promise<void>): Promise<void> {
  const kernel = new MemoryKernel();
  kernel.addNetns('home');
  const node = new TestNode({ kernel, path: (place) => place });
  const log = createLog('test', 'error', () => undefined);
  const runtime = { clock: systemClock, random: systemRandom, log };
  const secrets = new Secrets(loadIdentity(node.folder), node.folder, systemClock);
  const receiver = new DesiredReceiver(node.runner, new DesiredStore(node.journal, log), secrets, log);
  const bridge = new TestSigner();
  const trust = new Trust({ folder: node.folder, journal: node.journal, runtime, key: bridge.publicKey });
  const intake = new Intake(trust, node.runner, 'n1', runtime);
  const deliver = (message: StoredMessage): boolean => {
    const { kind, namespace, name } = parseDesiredSubject(message.subject);
    const key = { kind, namespace, name };
    if (!intake.admits(key, message)) return false;
    receiver.receive(key, DesiredSchema.parse(JSON.parse(message.body)));
    return true;
  };
  const mtus = async (): Promise<Record<string, number>> => {
    const home = await kernel.open('home');
    await home.barrier();
    const found = names3.flatMap((name) => {
      const link = home.link(name);
      return link ? [[name, link.mtu ?? 0] as const] : [];
    });
    home.close();
    return Object.fromEntries(found);
  };
  const reaches = async (name: string, generation: number): Promise<void> => {
    const actor = node.runner.actor({ kind: 'netlinkinterface', namespace: 'default', name });
    await node.until(() => actor.snapshot.context.desired?.generation === generation);
    await node.settles(actor, 'configured');
  };
  try {
    await use({ reaches, node, bridge, intake, deliver, mtus });
  } finally {
    node.dispose();
    kernel.removeNetns('home');
  }
}

type World = {
  /** Resolves when an interface is as its message of this generation wants it. */
  reaches: (name: string, generation: number) => Promise<void>;
  node: TestNode;
  bridge: TestSigner;
  intake: Intake;
  /** @returns whether the agent accepted it */
  deliver: (message: StoredMessage) => boolean;
  /** What the kernel shows. */
  mtus: () => Promise<Record<string, number>>;
};

const names3 = ['br0', 'br1', 'br2'];
const tombstone = (name: string, generation: number): Desired =>
  declaredBridge(name, generation, { deleted: true, spec: {} });

test('a refused message changes nothing: what was accepted is healed, and event, node entry and log say so once', () =>
  withNode(async ({ node, reaches, bridge, intake, deliver, mtus }) => {
    expect(deliver(delivered(bridge.sign(declaredBridge('br0', 2))))).toBe(true);
    const actor = node.runner.actor({ kind: 'netlinkinterface', namespace: 'default', name: 'br0' });
    await reaches('br0', 2);
    expect(intake.refused()).toBeUndefined();
    const forged = delivered({ ...bridge.sign(declaredBridge('br0', 9)), headers: {} });
    for (let count = 0; count < 3; count++) expect(deliver(forged)).toBe(false);
    const mallory = new TestSigner();
    expect(deliver(delivered(mallory.sign(declaredBridge('br1', 1))))).toBe(false);
    expect(intake.refused()).toMatchObject({
      objects: 2,
      reason: 'OtherKey',
      subject: 'ifactor.desired.n1.netlinkinterface.default.br1',
    });
    await node.settles(actor, 'configured');
    expect(await mtus()).toEqual({ br0: 1302 });
    expect(deliver(delivered(bridge.sign(declaredBridge('br0', 3))))).toBe(true);
    expect(intake.refused()).toMatchObject({ objects: 1, reason: 'OtherKey' });
    intake.caughtUp(new Set([actor.id]));
    expect(intake.refused()).toBeUndefined();
    await reaches('br0', 3);
    expect(await mtus()).toEqual({ br0: 1303 });
    const told = node.events(actor).filter(({ type }) => type === 'DesiredRefused');
    expect(told.map(({ data }) => data)).toEqual([{ reason: 'Unsigned' }]);
  }));

test('a tombstone of an older object, or of the same before it was declared again, removes nothing', () =>
  withNode(async ({ reaches, bridge, deliver, mtus }) => {
    const first = delivered(bridge.sign(declaredBridge('br0', 1)));
    const gone = delivered(bridge.sign(tombstone('br0', 1)));
    const again = delivered(bridge.sign(declaredBridge('br0', 2, { uid: 'uid-again' })));
    for (const message of [first, gone, again]) expect(deliver(message)).toBe(true);
    for (const old of [gone, first]) expect(deliver(old)).toBe(false);
    await reaches('br0', 2);
    expect(await mtus()).toEqual({ br0: 1302 });
  }));

const seal = (letter: string): Desired['secrets'] => [
  { ref: 'privateKey', version: 'v1', sender: 'X', sealed: Buffer.alloc(48, letter).toString('base64') },
];

test('a sealed box that is moved to another object, or put in place of another, is refused', () =>
  withNode(async ({ node, bridge, deliver }) => {
    const [mine, other] = [
      declaredBridge('br0', 1, { secrets: seal('a') }),
      declaredBridge('br1', 1, { secrets: seal('b') }),
    ];
    const signed = bridge.sign(mine);
    const moved = { ...signed, body: JSON.stringify({ ...mine, secrets: other.secrets }) };
    expect(deliver(delivered(moved))).toBe(false);
    expect(deliver(delivered({ ...bridge.sign(other), subject: signed.subject }))).toBe(false);
    expect(deliver(delivered(signed))).toBe(true);
    expect(deliver(delivered(moved))).toBe(false);
    expect([...node.runner.actors.keys()]).toEqual(['netlinkinterface/default/br0']);
  }));

/** One thing that the machine in the middle does. */
const moves = fc.array(
  fc.record({
    /** Which of the messages so far, counted from the last. */
    back: fc.nat(30),
    move: fc.constantFrom(
      'sign',
      'sign',
      'sign',
      'remove',
      'replay',
      'replay',
      'alterBody',
      'alterHeader',
      'crossSubject',
      'crossNode',
      'forge',
      'strip',
    ),
    name: fc.constantFrom(...names3),
    header: fc.constantFrom(...Object.values(names)),
    isDropped: fc.boolean(),
  }),
  { minLength: 5, maxLength: 60 },
);

test('a machine in the middle that alters, replays, drops and reorders makes no agent do what the bridge did not sign', async () => {
  await fc.assert(
    fc.asyncProperty(moves, (steps) =>
      withNode(async ({ reaches, bridge, deliver, mtus }) => {
        const sent: StoredMessage[] = [];
        const accepted = new Map<string, number>();
        const honest = new Set<StoredMessage>();
        const mallory = new TestSigner();
        const generations = new Map<string, number>();
        const say = (desired: Desired, on = 'n1'): StoredMessage => {
          const message = delivered(bridge.sign(desired, on), sent.length + 1);
          sent.push(message);
          if (on === 'n1') honest.add(message);
          return message;
        };
        const hand = (message: StoredMessage): void => {
          if (!deliver(message)) return;
          expect(honest.has(message), `accepted ${message.subject} ${message.body}`).toBe(true);
          const revision = Number(message.header(names.revision));
          expect(revision).toBeGreaterThanOrEqual(accepted.get(message.subject) ?? 0);
          accepted.set(message.subject, revision);
        };
        for (const { move, back, name, header, isDropped } of steps) {
          const generation = (generations.get(name) ?? 0) + 1;
          const chosen = sent[sent.length - 1 - (back % Math.max(1, sent.length))];
          if (move === 'sign' || move === 'remove') {
            generations.set(name, generation);
            const message = say(move === 'sign' ? declaredBridge(name, generation) : tombstone(name, generation));
            if (!isDropped) hand(message);
          } else if (move === 'forge') hand(delivered(mallory.sign(declaredBridge(name, 900))));
          else if (move === 'crossNode')
            hand({
              ...say(declaredBridge(name, 900), 'n2'),
              subject: `ifactor.desired.n1.netlinkinterface.default.${name}`,
            });
          else if (chosen !== undefined && chosen.subject.includes('.n1.')) {
            const { header: read, subject, body } = chosen;
            if (move === 'replay') hand(chosen);
            if (move === 'alterBody') hand({ ...chosen, body: body.replace(/"generation":\d+/, '"generation":901') });
            if (move === 'alterHeader')
              hand({ ...chosen, header: (one) => (one === header ? `${read(one)}1` : read(one)) });
            if (move === 'strip') hand({ ...chosen, header: () => '' });
            const other = subject.replace(/br\d$/, name);
            if (move === 'crossSubject' && other !== subject) hand({ ...chosen, subject: other });
          }
        }
        // Once it lets everything through, the agent does what the bridge says last.
        for (const name of names3) {
          const generation = (generations.get(name) ?? 0) + 1;
          const message = say(declaredBridge(name, generation, { uid: `uid-${name}-last` }));
          generations.set(name, generation);
          expect(deliver(message)).toBe(true);
        }
        for (const name of names3) await reaches(name, generations.get(name) ?? 0);
        expect(await mtus()).toEqual(
          Object.fromEntries(names3.map((name) => [name, 1300 + (generations.get(name) ?? 0)])),
        );
      }),
    ),
    { numRuns: 40 },
  );
}, 120_000);
