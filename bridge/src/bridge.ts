import { kinds } from '@ifactor/crds';
import { systemClock, systemRandom } from '@ifactor/common';
import type { Clock, Log, Random } from '@ifactor/common';
import type { InterfaceStatus, RecordedEvent } from '@ifactor/crds';
import { ensureStreams } from '@ifactor/common/nats';
import type { NatsConnection } from '@nats-io/transport-node';
import { spell } from './key.ts';
import type { Client } from './kube/client.ts';
import { fence } from './kube/fence.ts';
import { holdLease } from './kube/lease.ts';
import type { Lease } from './kube/lease.ts';
import type { KubeObject } from './kube/object.ts';
import { createRecorder } from './kube/recorder.ts';
import { createPicture } from './view/view.ts';
import type { Picture } from './view/view.ts';
import { carry } from './plan/reconcile.ts';
import type { CarryParts } from './plan/reconcile.ts';
import { interfaceStatusOf } from './plan/status.ts';
import { bury, publish } from './desired/publish.ts';
import { createQueue } from './queue.ts';
import { report } from './status/report.ts';
import type { ReportParts } from './status/report.ts';
import { createSealer } from './desired/seal.ts';
import { readStatus, wantedStatus } from './status/status.ts';
import { createStory } from './status/eventNotes.ts';
import { followEvents } from './stream/events.ts';
import { createPublisher } from './stream/publisher.ts';
import { startSweeping } from './desired/sweep.ts';
import { isPlace, placeOf, saidOf } from './view/relations.ts';

export type BridgeOptions = {
  client: Client;
  connection: NatsConnection;
  /** Name of this bridge in the Lease and in Events. */
  identity: string;
  /** Namespace of the Lease `ifactor-bridge`. */
  leaseNamespace: string;
  log: Log;
  /** Ends the bridge: work in flight is finished, the lease released. */
  signal: AbortSignal;
  /** Duration of the lease; 10 when absent. */
  leaseSeconds?: number;
  /** How long the stream says of a deleted object that it is gone; 600 when absent. */
  tombstoneSeconds?: number;
  clock?: Clock;
  random?: Random;
};

export type Bridge = {
  /** Resolves when everything listed first has been published, or another bridge leads. */
  readonly ready: Promise<'leading' | 'standing by'>;
  readonly stopped: Promise<void>;
};

/** Starts a bridge: a picture of both sides is kept up all the time, queues level the differences while it leads. */
export function startBridge(options: BridgeOptions): Bridge {
  const { connection, identity, log, signal, clock = systemClock, random = systemRandom } = options;
  // What only reads goes on until all work has ended.
  const reading = new AbortController();
  const ready = Promise.withResolvers<'leading' | 'standing by'>();
  let lease: Lease | undefined;
  const leads = (): boolean => lease?.holds() ?? false;
  const client = fence(options.client, leads);
  const recorder = createRecorder(client, log, identity, leads, clock);
  // One at a time: each follower asks for the streams when NATS comes back.
  let making: Promise<unknown> | undefined;
  const prepare = (): Promise<unknown> => (making ??= ensureStreams(connection).finally(() => (making = undefined)));

  const publishing = createQueue({
    clock,
    random,
    workers: 64,
    log: log.with({ task: 'publish' }),
    work: (key) => publish(publishParts, key),
  });
  const reporting = createQueue({
    clock,
    random,
    workers: 16,
    log: log.with({ task: 'report' }),
    work: (key) => report(reportParts, key),
  });
  // One worker: two plans must not be given the same port at once.
  const planning = createQueue({
    clock,
    random,
    workers: 1,
    log: log.with({ task: 'plan' }),
    work: (key) => carry(carryParts, key),
  });
  const queues = [planning, publishing, reporting];
  const touch = { publish: publishing.add, report: reporting.add, plan: planning.add };
  const picture = createPicture({ client, connection, prepare, log, signal: reading.signal, touch });
  const { objects, nodes, desired, statuses, secrets, plans, interfaces, wishes, told } = picture;
  const publisher = createPublisher(connection, desired, createSealer());
  const publishParts = { objects, secrets, nodes, desired, subjects: wishes, publisher };
  const reportParts: ReportParts = {
    client,
    objects,
    nodes,
    statuses,
    recorder,
    subjects: told,
    async stray(subject) {
      const entry = statuses.get(subject);
      const said = entry && readStatus(entry);
      if (said && !(await bury({ client, desired, publisher }, said))) return;
      await publisher.purgeStatus(subject);
      statuses.forget(subject);
    },
    written: new Map(),
  };
  const carryParts: CarryParts = {
    client,
    plans,
    interfaces,
    secrets,
    recorder,
    said: (child) => saidOfChild(picture, child),
    reserved: new Map(),
    written: new Map(),
  };

  startSweeping({
    desired,
    publisher,
    leads,
    log,
    keep: (options.tombstoneSeconds ?? 600) * 1000,
    signal: reading.signal,
  });

  const story = createStory();
  const tell = (event: RecordedEvent): void => {
    const note = story(event);
    const object = objects(spell(event.key));
    if (note !== undefined && object !== undefined) recorder.note(object, note);
  };
  // Only while leading: all bridges share one place in the event log.
  let telling: { stop: AbortController; ended: Promise<void> } | undefined;

  async function rest(): Promise<void> {
    telling?.stop.abort();
    await Promise.all([telling?.ended, ...queues.map((queue) => queue.off())]);
  }

  async function begin(): Promise<void> {
    await picture.settled;
    if (signal.aborted) return;
    lease = holdLease({
      client: options.client,
      namespace: options.leaseNamespace,
      name: 'ifactor-bridge',
      identity,
      outage: picture.apiOutage,
      signal,
      seconds: options.leaseSeconds ?? 10,
      onLead() {
        log.info('leading', { identity });
        // What another one has left undone is found by looking at everything.
        picture.touchAll();
        const stop = new AbortController();
        telling = { stop, ended: followEvents(connection, prepare, tell, log, stop.signal) };
        for (const queue of queues) queue.on();
        void settle();
      },
      async onLost() {
        log.warn('no longer leading: the lease could not be renewed');
        await rest();
      },
      onStandBy(holder) {
        log.info('standing by', { leader: holder });
        ready.resolve('standing by');
      },
    });
  }

  async function settle(): Promise<void> {
    await planning.idle();
    await publishing.idle();
    ready.resolve('leading');
  }

  async function end(): Promise<void> {
    await rest();
    await recorder.flush();
    await lease?.release();
    reading.abort();
    await picture.stopped;
  }

  const stopped = new Promise<void>((resolve, reject) => {
    const stop = (): void => void end().then(resolve, reject);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop);
    begin().catch(reject);
  });
  return { ready: ready.promise, stopped };
}

/** What the world is told of a plan's child: from the stream, which is ahead of what the API server has. */
function saidOfChild({ statuses, nodes }: Picture, child: KubeObject): InterfaceStatus | undefined {
  const place = placeOf(child, kinds.WireGuardInterface.token);
  if (!isPlace(place)) return interfaceStatusOf(child);
  const now = new Date();
  return wantedStatus(child, saidOf(statuses, child, place), nodes.view(place.node, now.getTime()), undefined, now);
}
