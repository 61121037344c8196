import { systemClock, systemRandom } from '@ifactor/common';
import type { Clock, Log, Random } from '@ifactor/common';
import { eventStoreOf, expireNodeEntries } from '@ifactor/common/nats';
import type { NatsConnection } from '@nats-io/transport-node';
import { createCluster, leaseOf } from './cluster.ts';
import type { BridgeContext } from './context.ts';
import { createHold } from './desired/hold.ts';
import { createSealer } from './desired/seal.ts';
import { startSweeping } from './desired/sweep.ts';
import { fence } from './kube/fence.ts';
import { holdLease } from './kube/lease.ts';
import type { Lease } from './kube/lease.ts';
import type { KubeApi } from './kube/port.ts';
import { createRecorder } from './kube/recorder.ts';
import { createQueues, createWorkers, enqueueInto } from './reconcilers.ts';
import { startNodeNotes } from './status/nodeNotes.ts';
import { recordEvents } from './status/eventRecording.ts';
import { answerQuestions } from './stream/answers.ts';
import { startKnownNodes } from './stream/knownNodes.ts';
import { createSealKeys, sealKeysSecret } from './signing/sealKeys.ts';
import { createSigner } from './signing/signer.ts';
import { createSigning } from './signing/signing.ts';
import { createPublisher } from './stream/publisher.ts';
import { createOwnWrites } from './view/change.ts';
import { createView } from './view/view.ts';

export type BridgeSettings = {
  /** Name of this bridge in the Lease and in Events. */
  identity: string;
  /** Namespace of the Lease `ifactor-bridge`. */
  leaseNamespace: string;
  /** Duration of the lease; 10 when absent. */
  leaseSeconds?: number;
  /** How long deletion markers stay in the stream; 600 when absent. */
  tombstoneSeconds?: number;
  /** Copies of each stream that is created; when absent, 3 where the servers can hold them, else 1. */
  natsReplicas?: number;
  /** Whether to take over streams that belong to another cluster. */
  takeOver?: boolean;
};

export type BridgeOptions = {
  api: KubeApi;
  connection: NatsConnection;
  settings: BridgeSettings;
  log: Log;
  /** Ends the bridge: work in flight is finished, the lease released. */
  signal: AbortSignal;
  /** Defaults to the system's. */
  time?: { clock: Clock; random: Random };
};

export type Bridge = {
  /** Resolves when everything in the first list has been published, or another bridge leads. */
  readonly ready: Promise<'leading' | 'standing by'>;
  readonly stopped: Promise<void>;
};

/** Starts a bridge: it always keeps both views current; its queues reconcile the differences only while it leads. */
export function startBridge(options: BridgeOptions): Bridge {
  const { connection, settings, log, signal, time = { clock: systemClock, random: systemRandom } } = options;
  // Readers run until all work has ended.
  const reading = new AbortController();
  const ready = Promise.withResolvers<'leading' | 'standing by'>();
  let lease: Lease | undefined;
  const leads = (): boolean => lease?.holds() ?? false;
  const api = fence(options.api, leads);
  const replicas = settings.natsReplicas === undefined ? {} : { replicas: settings.natsReplicas };
  const store = eventStoreOf(connection, replicas, time.clock);
  const context: BridgeContext = { api, connection, store, log, ...time };
  const cluster = createCluster(options, () => view.apiOutage, leads);
  const recorder = createRecorder(api, log, settings.identity, leads, time.clock);
  const ownWrites = createOwnWrites();
  const queues = createQueues(context, () => workers);
  const enqueue = enqueueInto(queues);
  const signer = createSigner(time.clock);
  const signing = createSigning({
    context,
    namespace: settings.leaseNamespace,
    signer,
    leads,
    replaced: () => view.enqueueAll(),
    signal,
  });
  const view = createView(context, enqueue, ownWrites, reading.signal);
  const sealKeys = createSealKeys(api, settings.leaseNamespace);
  view.objects.onSecret((key) => {
    signing.secretChanged(key);
    if (key !== `${settings.leaseNamespace}/${sealKeysSecret}`) return;
    if (sealKeys.changed(view.objects.secrets.get(key))) view.enqueueAll();
  });
  const { desired } = view.messages;
  const publisher = createPublisher({
    store,
    follower: desired,
    sealer: createSealer(),
    signer,
    leads,
    clock: time.clock,
  });
  const { workers, brake } = createWorkers(
    {
      context,
      view,
      publisher,
      recorder,
      ownWrites,
      sealKeys,
      held: (_waiting, limit) => hold.begin(brake, limit),
    },
    enqueue,
  );
  const leaseName = leaseOf(settings);
  const hold = createHold({ api, lease: leaseName, recorder, clock: time.clock, log });
  startSweeping({
    desired,
    publisher,
    leads,
    log,
    clock: time.clock,
    retentionMs: (settings.tombstoneSeconds ?? 600) * 1000,
    signal: reading.signal,
  });
  startKnownNodes({
    store,
    view,
    leads,
    expireEntries: () => expireNodeEntries(connection),
    clock: time.clock,
    log,
    signal: reading.signal,
  });
  startNodeNotes({
    api,
    lease: leaseName,
    heard: () => view.nodes.heard(),
    sealKeys,
    recorder,
    leads,
    runtime: { clock: time.clock, log, signal: reading.signal },
  });
  const recording = recordEvents(context, view.objects, recorder);
  const answers = answerQuestions(context);
  const all = Object.values(queues);

  async function stopWork(): Promise<void> {
    await Promise.all([recording.stop(), ...all.map((queue) => queue.off())]);
    brake.clear();
    hold.stop();
  }

  async function begin(): Promise<void> {
    await view.settled;
    if (signal.aborted) return;
    await cluster.check();
    if (signal.aborted) return;
    lease = holdLease({
      api: options.api,
      lease: { ...leaseName, identity: settings.identity, seconds: settings.leaseSeconds ?? 10 },
      outage: view.apiOutage,
      clock: time.clock,
      signal,
      handlers: {
        onLead() {
          log.info('leading', { identity: settings.identity });
          sealKeys.reread();
          void (async () => {
            const uid = await cluster.claim();
            if (uid === undefined || !(await signing.begin(uid, view.apiOutage)) || !leads()) return;
            // Checking every object finds the work that another bridge did not finish.
            view.enqueueAll();
            recording.start();
            for (const queue of all) queue.on();
            await queues.plan.idle();
            await queues.desired.idle();
            ready.resolve('leading');
          })();
        },
        async onLost() {
          log.warn('no longer leading: the lease could not be renewed');
          await stopWork();
        },
        onStandBy(holder) {
          log.info('standing by', { leader: holder });
          ready.resolve('standing by');
        },
      },
    });
  }

  async function end(): Promise<void> {
    await stopWork();
    await recorder.flush();
    await lease?.release();
    answers.stop();
    reading.abort();
    await view.stopped;
  }

  const stopped = new Promise<void>((resolve, reject) => {
    const stop = (): void => void end().then(resolve, reject);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop);
    cluster.other.catch(reject);
    begin().catch(reject);
  });
  return { ready: ready.promise, stopped };
}
