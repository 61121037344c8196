import { every, systemClock } from '@ifactor/common';
import {
  DesiredSchema,
  desiredFilter,
  formatStatusSubject,
  heartbeatSeconds,
  parseDesiredSubject,
} from '@ifactor/crds';
import type { Desired, NodeEntry, StatusMessage } from '@ifactor/crds';
import { ensureStreams, streams } from '@ifactor/common/nats';
import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import type { KV } from '@nats-io/kv';
import { createCurve } from '@nats-io/nkeys';
import type { NatsConnection } from '@nats-io/transport-node';

/**
 * What the bridge sees of an agent, without a kernel: registers its node, opens what is sealed to it, reports each wish
 * as configured and each deletion as done.
 */
export type ScriptedAgent = {
  readonly node: string;
  /** Wishes by name, as last received. */
  readonly wishes: Map<string, Desired>;
  /** Opened secrets by `name/ref`. */
  readonly opened: Map<string, string>;
  /** Messages received, tombstones included. */
  received: number;
  /** A heartbeat, beside the regular ones. */
  beat(): Promise<void>;
  report(name: string, change: Partial<StatusMessage['status']>): Promise<void>;
  /** No heartbeat, and no answer, after that. */
  stop(): Promise<void>;
};

export type AgentOptions = { answers?: boolean; publicKey?: (name: string) => string };

export async function startAgent(
  connection: NatsConnection,
  node: string,
  { answers = true, publicKey }: AgentOptions = {},
): Promise<ScriptedAgent> {
  const pair = createCurve();
  const kv: KV = await ensureStreams(connection);
  const entry: Omit<NodeEntry, 'time'> = {
    node,
    hostname: `${node}.example`,
    version: '0.1.0',
    machine: 1,
    sealKey: pair.getPublicKey(),
    journal: `journal-${node}`,
    instance: `instance-${node}`,
  };
  const beat = async (): Promise<void> => {
    await kv.put(node, JSON.stringify({ ...entry, time: new Date().toISOString() }));
  };
  await beat();
  // NATS may be away: a later one arrives.
  const endBeating = every(systemClock, heartbeatSeconds * 1000, () => void beat().catch(() => undefined));
  void connection.closed().then(endBeating);
  const js = jetstream(connection);
  const consumer = await js.consumers.get(streams.desired, {
    filter_subjects: [desiredFilter(node)],
    deliver_policy: DeliverPolicy.LastPerSubject,
  });
  const messages = await consumer.consume();
  const agent: ScriptedAgent = {
    node,
    wishes: new Map(),
    opened: new Map(),
    received: 0,
    beat,
    async report(name, change) {
      const wish = agent.wishes.get(name);
      if (wish === undefined) throw new Error(`${name} was never wished for`);
      await answer(wish, change);
    },
    async stop() {
      endBeating();
      messages.stop();
      await done;
    },
  };

  async function answer(wish: Desired, change: Partial<StatusMessage['status']> = {}): Promise<void> {
    const { uid, namespace, name } = wish;
    const kind = wish.kind.toLowerCase();
    const gone = wish.deletionTimestamp !== undefined || wish.deleted === true;
    const status: StatusMessage['status'] = {
      state: gone ? 'deleted' : 'configured',
      observedGeneration: wish.generation,
      hostname: entry.hostname,
      nodename: node,
      conditions: [
        {
          type: 'Ready',
          status: gone ? 'False' : 'True',
          observedGeneration: wish.generation,
          lastTransitionTime: new Date().toISOString(),
          reason: gone ? 'Deleted' : 'Configured',
          message: gone ? 'gone from the kernel' : 'as declared',
        },
      ],
      ...(kind === 'wireguardinterface' &&
        publicKey && { wireguard: { publicKey: publicKey(name), listenPort: 51800, peers: [] } }),
      ...change,
    };
    const message: StatusMessage = { uid, kind, namespace, name, node, hash: 'scripted', status };
    await js.publish(formatStatusSubject({ node, kind, namespace, name }), JSON.stringify(message));
  }

  const done = (async () => {
    for await (const message of messages) {
      parseDesiredSubject(message.subject);
      const wish = DesiredSchema.parse(message.json());
      agent.received++;
      agent.wishes.set(wish.name, wish);
      for (const { ref, sealed, sender } of wish.secrets) {
        const plain = pair.open(Buffer.from(sealed, 'base64'), sender);
        if (plain !== null) agent.opened.set(`${wish.name}/${ref}`, new TextDecoder().decode(plain));
      }
      if (answers && wish.deleted !== true) await answer(wish);
    }
  })();
  return agent;
}
