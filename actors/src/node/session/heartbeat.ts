import { explain, orAborted, sleep, timestamp } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import type { Runtime } from '../../runtime.ts';
import { agentSubject, heartbeatSeconds, NodeEntrySchema } from '@ifactor/crds';
import type { NodeEntry } from '@ifactor/crds';
import { isRemoval, SequenceConflict } from '@ifactor/common/eventStore';
import type { EventStore } from '@ifactor/common/eventStore';
import { eventStoreOf, namesOf, nodesStream, nodeSubject } from '@ifactor/common/nats';
import { RequestError, TimeoutError } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';

/** Two agents of one node name would fight over its interfaces. */
export class AnotherAgent extends Error {
  override name = 'AnotherAgent';

  constructor({ node, hostname, time }: NodeEntry, copied: boolean) {
    const copy = copied ? ', with a copy of this state folder' : '';
    super(
      `another agent serves node ${node} from host ${hostname}${copy}, last heard at ${time}; stop it, or give this one another --node${copied ? ' and --state-dir' : ''}`,
    );
  }
}

type Self = Pick<NodeEntry, 'journal' | 'instance' | 'hostname'>;

/**
 * Whether an entry is another living agent's. Only one that answers, or wrote after this one, is judged: an earlier run on this
 * folder has ended before, since the folder is locked. So another instance is another agent, even with a copy of the folder.
 */
const isRival = (other: Self, own: Self): boolean => other.instance !== own.instance;

const rivalOf = (other: NodeEntry, own: Self): AnotherAgent => new AnotherAgent(other, other.journal === own.journal);

/** Problems of the node as a whole. */
export type Trouble = Pick<NodeEntry, 'trouble' | 'refused'>;

export type HeartbeatOptions = {
  connection: NatsConnection;
  store: EventStore;
  runtime: Runtime;
  /** This agent's entry; `time` and what `trouble` returns are set at each beat. */
  entry: Omit<NodeEntry, 'time' | keyof Trouble>;
  trouble?: () => Trouble;
  /** Another agent has taken over the node; this one must stop. */
  rival: (error: AnotherAgent) => void;
  /** Between beats. */
  intervalMs?: number;
};

export type Heartbeat = { stop(): Promise<void> };

/**
 * Where an agent answers with its entry, so that another agent can distinguish a running agent from a stale
 * entry. Under no prefix of a stream.
 */
const callSubject = (connection: NatsConnection, node: string): string =>
  namesOf(connection).subject(agentSubject(node));

/**
 * Keeps the node's entry in the bucket ifactor_nodes. Resolves after the first beat.
 * @throws AnotherAgent where an agent with another state folder answers for the node; one that does not answer is
 *   replaced, and so is an earlier run on the same folder
 */
export async function startHeartbeat(options: HeartbeatOptions): Promise<Heartbeat> {
  const { connection, entry, runtime } = options;
  const subject = callSubject(connection, entry.node);
  const since = timestamp(runtime.clock);
  for (let tries = 0; ; tries++) {
    const other = await call(connection, entry.node);
    if (other !== null && isRival(other, entry)) throw rivalOf(other, entry);
    const answers = connection.subscribe(subject, {
      callback: (_, message) => void message.respond(JSON.stringify({ ...entry, time: since })),
    });
    const beats = new Beats(options);
    try {
      await beats.beat(true);
    } catch (error) {
      answers.unsubscribe();
      // Another agent started at the same moment; now one of the two answers.
      if (error instanceof SequenceConflict && tries < 3) continue;
      throw error;
    }
    const stop = new AbortController();
    const ended = follow(options, beats, stop.signal);
    return {
      stop: async () => {
        stop.abort(new Error('stopped'));
        answers.unsubscribe();
        await ended;
      },
    };
  }
}

async function follow(
  { connection, store, runtime: { clock, log }, rival, intervalMs = heartbeatSeconds * 1000 }: HeartbeatOptions,
  beats: Beats,
  stopped: AbortSignal,
): Promise<void> {
  for (let failures = 0; ;) {
    const broken = store.session();
    await sleep(clock, failures === 0 ? intervalMs : Math.min(intervalMs, 1000), stopped, broken);
    await orAborted(store.connected(), stopped).catch(() => undefined);
    if (stopped.aborted || connection.isClosed()) return;
    try {
      await orAborted(beats.beat(false), AbortSignal.any([stopped, store.session()]));
      failures = 0;
    } catch (error) {
      if (stopped.aborted) return;
      if (error instanceof AnotherAgent) return rival(error);
      if (failures++ % 10 === 0) log.warn('failed to send the heartbeat; retrying', { error: explain(error) });
    }
  }
}

/** Writes the entry, each time over its own previous one: an agent that finds another agent's entry there has lost the node. */
class Beats {
  readonly #options: HeartbeatOptions;
  readonly #subject: string;
  /** Sequence of the entry that this agent wrote last. */
  #written = 0;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#subject = nodeSubject(options.entry.node);
  }

  /** @param take over whatever entry is there @throws AnotherAgent */
  async beat(take: boolean): Promise<void> {
    const { store, entry, trouble, runtime } = this.#options;
    const body = JSON.stringify({
      ...entry,
      ...trouble?.(),
      time: timestamp(runtime.clock),
    } satisfies NodeEntry);
    if (take) await store.prepare();
    else {
      try {
        return await this.#write(body, this.#written);
      } catch (error) {
        // Else the bucket may be gone.
        if (!(error instanceof SequenceConflict)) await store.prepare();
      }
    }
    // Another agent wrote, a beat of ours was stored but the answer was lost, or the bucket was recreated.
    const found = await store.last(nodesStream, this.#subject);
    const other = found === undefined || isRemoval(found) ? null : parse(found.body);
    if (!take && other !== null && isRival(other, entry)) throw rivalOf(other, entry);
    await this.#write(body, found?.sequence ?? 0);
  }

  async #write(body: string, expectedSequence: number): Promise<void> {
    const message = { subject: this.#subject, body, headers: {}, expectedSequence };
    this.#written = (await this.#options.store.append(nodesStream, message)).sequence;
  }
}

/** How often an agent that is connected and does not answer within a second is asked before it counts as gone. */
const tries = 5;

/** The entry of the agent that answers for a node now; null where none is connected, or one that has been silent for too long. */
async function call(connection: NatsConnection, node: string): Promise<NodeEntry | null> {
  for (let asked = 1; ; asked++) {
    try {
      const answer = await connection.request(callSubject(connection, node), '', { timeout: 1000 });
      return parse(answer.string());
    } catch (error) {
      // No agent is connected.
      if (error instanceof RequestError) return null;
      if (!(error instanceof TimeoutError)) throw error;
      if (asked >= tries) return null;
    }
  }
}

/** Resolves when no other agent answers for the node any more, or when aborted. */
export async function waitUntilVacant(
  connection: NatsConnection,
  node: string,
  clock: Clock,
  signal: AbortSignal,
  intervalMs = 5000,
): Promise<void> {
  while (!signal.aborted && !connection.isClosed()) {
    await orAborted(eventStoreOf(connection, {}, clock).connected(), signal).catch(() => undefined);
    if (signal.aborted) return;
    // Without NATS no agent can be asked; the next round asks again.
    const other = await call(connection, node).catch(() => undefined);
    if (other === null) return;
    await sleep(clock, intervalMs, signal);
  }
}

function parse(text: string): NodeEntry | null {
  try {
    return NodeEntrySchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
