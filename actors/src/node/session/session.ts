import { every, explain } from '@ifactor/common';
import { formatStatusSubject, machineVersion } from '@ifactor/crds';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Runtime } from '../../runtime.ts';
import type { AgentProcess } from '../process.ts';
import { Shipper } from '../shipping/shipper.ts';
import { followDesired } from './desiredFollower.ts';
import { startHeartbeat } from './heartbeat.ts';
import type { AnotherAgent, Trouble } from './heartbeat.ts';
import { ownStoreOf } from './ownStore.ts';
import { startService } from './service.ts';
import { refreshDetails, statusMessage } from './status.ts';
import { StatusPublisher } from './statusPublisher.ts';

/** The status of an interface with operations in flight waits so long for their end. */
const busyStatusMs = 1000;

/** How often the state folder is checked for another key to trust. */
const trustLookMs = 5000;

export type NatsSession = {
  /** Ends what the session began, the last first; the process goes on. */
  stop(): Promise<void>;
};

/**
 * Serves a node over one connection to NATS: publishes events and status, follows desired objects. Starts and stops without affecting the
 * process; if starting fails, everything it started has been stopped.
 * @param rival called when another agent has taken the node over
 * @throws AnotherAgent where one serves the node already; what NATS refuses
 */
export async function startSession(
  connection: NatsConnection,
  agent: AgentProcess,
  runtime: Runtime,
  rival: (error: AnotherAgent) => void,
): Promise<NatsSession> {
  const stops: (() => unknown)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).toReversed())
      await Promise.resolve()
        .then(end)
        .catch((error: unknown) => runtime.log.debug('stopping', { error: explain(error) }));
  };
  try {
    await start(connection, agent, runtime, rival, stops);
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}

/** @param stops gets how to end each part that has begun */
async function start(
  connection: NatsConnection,
  agent: AgentProcess,
  runtime: Runtime,
  rival: (error: AnotherAgent) => void,
  stops: (() => unknown)[],
): Promise<void> {
  const { node, hostname, version, runner, journal, receiver, intake } = agent;
  const { log } = runtime;
  const store = ownStoreOf(connection, node, log, runtime.clock);
  const { sealKey } = agent.identity;
  const entry = {
    node,
    hostname,
    version,
    machine: machineVersion,
    sealKey,
    journal: journal.folderId,
    instance: agent.instance,
  };
  const trouble = (): Trouble => ({ trouble: agent.trouble(), refused: intake.refused() });
  const heartbeat = await startHeartbeat({ connection, store, runtime, entry, trouble, rival });
  stops.push(() => heartbeat.stop());

  const wentBack = (events: number): void => {
    const data = { events, journal: journal.id };
    for (const actor of runner.actors.values()) runner.tell(actor, { type: 'JournalWentBack', data }, null);
  };
  const shipper = new Shipper({ store, journal, runtime, wentBack });
  stops.push(
    () => shipper.stop(),
    runner.stored.subscribe(() => shipper.wake()),
  );

  const publisher = new StatusPublisher({
    store,
    node,
    runtime,
    keys: () => runner.actors.keys(),
    value: (id) => {
      const actor = runner.actors.get(id);
      const message = actor ? statusMessage(actor, { node, hostname }) : null;
      return actor && message
        ? { subject: formatStatusSubject({ node, ...actor.key }), payload: JSON.stringify(message) }
        : null;
    },
  });
  stops.push(
    () => publisher.stop(),
    runner.changed.subscribe((actor) => {
      const { running, asked } = actor.snapshot.context;
      publisher.touch(actor.id, running !== null || asked.observe || asked.places ? busyStatusMs : undefined);
    }),
    runner.observed.subscribe((actor) => {
      if (refreshDetails(actor, runtime.clock.now())) publisher.touch(actor.id);
    }),
  );

  const service = await startService({ connection, agent });
  stops.push(() => service.stop());

  let ready = false;
  const follow = (): ReturnType<typeof followDesired> =>
    followDesired({
      store,
      node,
      runtime,
      admits: (key, message) => intake.admits(key, message),
      put: (key, desired) => receiver.receive(key, desired),
      malformed: (subject, error) =>
        log.warn('ignored a message that is not a desired object', { subject, error: explain(error) }),
      caughtUp: (keys) => {
        intake.caughtUp(keys);
        // Publish a status for objects that the stream lacks, so that the bridge answers: only its tombstone means that an object is gone.
        for (const id of runner.actors.keys()) if (!keys.has(id)) publisher.touch(id);
        if (!ready) log.info('ready');
        ready = true;
      },
    });
  let follower = follow();
  stops.push(
    () => follower.stop(),
    // Another key to trust: what was refused may be accepted now.
    agent.trust.changed.subscribe(() => {
      const before = follower;
      follower = follow();
      void before.stop();
    }),
    every(runtime.clock, trustLookMs, () => agent.trust.look()),
  );
}
