import { kinds } from '@ifactor/crds';
import type { Log, RecordedEvent } from '@ifactor/crds';
import { ensureStreams, nodesBucket, streams } from '@ifactor/crds/nats';
import type { NatsConnection } from '@nats-io/transport-node';
import { interfaceKinds, spell, unspell } from './key.ts';
import type { Client } from './kube/client.ts';
import { fence } from './kube/fence.ts';
import { holdLease } from './kube/lease.ts';
import { keyOf } from './kube/object.ts';
import type { KubeObject } from './kube/object.ts';
import { createRecorder } from './kube/recorder.ts';
import { reflect } from './kube/reflector.ts';
import type { Reflector } from './kube/reflector.ts';
import { resourceOf, resources } from './kube/resource.ts';
import { createNodes } from './nodes.ts';
import { createOutage } from './outage.ts';
import { carry, ownerPlan } from './plan/carry.ts';
import type { CarryParts } from './plan/carry.ts';
import { planSecrets } from './plan/secrets.ts';
import { interfaceStatusOf } from './plan/status.ts';
import { publish } from './publish.ts';
import { createQueue } from './queue.ts';
import { report } from './report.ts';
import type { ReportParts } from './report.ts';
import { createSealer } from './seal.ts';
import { secretsOf } from './desired.ts';
import { wantedStatus } from './status.ts';
import { createStory } from './story.ts';
import { followEvents } from './stream/events.ts';
import { follow } from './stream/follower.ts';
import { createPublisher } from './stream/publisher.ts';
import { createIndex, isPlace, objectOf, placeOf, saidOf } from './world.ts';

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
};

export type Bridge = {
  /** Resolves when everything listed first has been published, or another bridge leads. */
  readonly ready: Promise<'leading' | 'standing by'>;
  readonly stopped: Promise<void>;
};

/** Starts a bridge: reflectors and followers keep a picture of both sides, queues level the differences while it leads. */
export function startBridge(options: BridgeOptions): Bridge {
  const { connection, identity, log, signal } = options;
  // What only reads goes on until all work has ended.
  const reading = new AbortController();
  const ready = Promise.withResolvers<'leading' | 'standing by'>();
  let lease: ReturnType<typeof holdLease> | undefined;
  const leads = (): boolean => lease?.holds() ?? false;
  const client = fence(options.client, leads);
  const recorder = createRecorder(client, log, identity, leads);
  const nodes = createNodes();
  const bySecret = createIndex();
  const byNode = createIndex();
  const byPlanSecret = createIndex();
  const bySubject = createIndex();
  const byStatus = createIndex();
  const apiOutage = createOutage(log, 'the API server answers again');
  const natsOutage = createOutage(log, 'NATS answers again');
  const stores = new Map<string, Reflector>();
  const objects = (key: string): KubeObject | undefined => {
    const { kind, namespace, name } = unspell(key);
    return stores.get(kind)?.get(`${namespace}/${name}`);
  };

  const publishing = createQueue({ workers: 64, log: log.with({ task: 'publish' }), work: (key) => publish(publishParts, key) });
  const reporting = createQueue({ workers: 16, log: log.with({ task: 'report' }), work: (key) => report(reportParts, key) });
  const touch = (key: string): void => {
    publishing.add(key);
    reporting.add(key);
  };

  const touchNode = (node: string): void => {
    for (const key of byNode.sources(node)) {
      touch(key);
      touchPlanOf(objects(key));
    }
  };

  const planning = createQueue({ workers: 1, log: log.with({ task: 'plan' }), work: (key) => carry(carryParts, key) });
  const plans = reflect({
    client,
    resource: resourceOf('WireGuardNetworkPlan'),
    outage: apiOutage,
    signal: reading.signal,
    onChange(key, object) {
      byPlanSecret.set(key, object === undefined ? [] : planSecrets(object));
      planning.add(key);
      // What it held may be what another one waits for.
      if (object === undefined) touchPlans();
    },
  });
  const touchPlans = (): void => {
    for (const one of plans.all()) planning.add(keyOf(one));
  };
  const touchPlanOf = (child: KubeObject | undefined): void => {
    const owner = child && ownerPlan(child);
    if (child !== undefined && owner !== undefined) planning.add(`${child.metadata.namespace}/${owner.name}`);
  };

  for (const kind of interfaceKinds) {
    stores.set(
      kind.token,
      reflect({
        client,
        resource: resourceOf(kind.kind),
        outage: apiOutage,
        signal: reading.signal,
        onChange(name, object, before) {
          const key = `${kind.token}/${name}`;
          const place = object && placeOf(object, kind.token);
          byNode.set(key, place !== undefined && isPlace(place) ? [place.node] : []);
          bySecret.set(key, object === undefined ? [] : secretsOf(object));
          touch(key);
          touchPlanOf(object);
          touchPlanOf(before);
          if (object === undefined) touchPlans();
        },
      }),
    );
  }
  const secrets = reflect({
    client,
    resource: resources.secrets,
    outage: apiOutage,
    signal: reading.signal,
    onChange(name, object, before) {
      for (const key of bySecret.sources(name)) publishing.add(key);
      for (const key of byPlanSecret.sources(name)) planning.add(key);
      touchPlanOf(object);
      touchPlanOf(before);
    },
  });

  // One at a time: each follower asks for the streams when NATS comes back.
  let making: Promise<unknown> | undefined;
  const prepare = (): Promise<unknown> => (making ??= ensureStreams(connection).finally(() => (making = undefined)));
  const following = { connection, prepare, outage: natsOutage, signal: reading.signal };
  const desired = follow({
    ...following,
    stream: streams.desired,
    onChange(subject, entry) {
      const key = objectOf(subject);
      if (key === undefined) return;
      bySubject.set(subject, entry === undefined ? [] : [key]);
      publishing.add(key);
    },
  });
  const statuses = follow({
    ...following,
    stream: streams.status,
    onChange(subject, entry) {
      const key = objectOf(subject);
      if (key === undefined) return;
      byStatus.set(subject, entry === undefined ? [] : [key]);
      reporting.add(key);
      touchPlanOf(objects(key));
    },
  });
  const registry = follow({
    ...following,
    stream: `KV_${nodesBucket}`,
    onChange(subject, entry) {
      const node = nodes.take(subject, entry, Date.now());
      if (node !== undefined) touchNode(node);
    },
  });
  const queues = [planning, publishing, reporting];
  const reads = [...stores.values(), plans, secrets, desired, statuses, registry];
  const publisher = createPublisher(connection, desired, createSealer());
  const publishParts = {
    objects,
    secrets,
    nodes,
    desired,
    subjects: (key: string) => bySubject.sources(key),
    publisher,
  };
  const reportParts: ReportParts = {
    client,
    objects,
    nodes,
    statuses,
    recorder,
    subjects: (key) => byStatus.sources(key),
    purge: (subject) => publisher.purgeStatus(subject).then(() => statuses.forget(subject)),
    written: new Map(),
  };

  const carryParts: CarryParts = {
    client,
    plans,
    interfaces: { get: (key) => objects(`${kinds.WireGuardInterface.token}/${key}`), all: () => stores.get(kinds.WireGuardInterface.token)?.all() ?? [] },
    secrets,
    recorder,
    said(child) {
      const place = placeOf(child, kinds.WireGuardInterface.token);
      if (!isPlace(place)) return interfaceStatusOf(child);
      const now = new Date();
      return wantedStatus(child, saidOf(statuses, child, place), nodes.view(place.node, now.getTime()), undefined, now);
    },
    reserved: new Map(),
    written: new Map(),
  };

  const story = createStory();
  const tell = (event: RecordedEvent): void => {
    const note = story(event);
    const object = objects(spell(event.key));
    if (note !== undefined && object !== undefined) recorder.note(object, note);
  };
  // Only while leading: all bridges share one place in the event log.
  let telling: { stop: AbortController; ended: Promise<void> } | undefined;
  const hush = async (): Promise<void> => {
    telling?.stop.abort();
    await telling?.ended;
    telling = undefined;
  };

  const watchConnection = async (): Promise<void> => {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') log.warn('NATS is away; what changes meanwhile is published when it is back');
      if (type === 'reconnect') log.info('NATS is back');
      if (type === 'disconnect' || type === 'reconnect') nodes.connected(type === 'reconnect', Date.now());
    }
  };
  void watchConnection();

  const silent = new Set<string>();
  const sweep = setInterval(() => {
    for (const node of nodes.names()) {
      const gone = nodes.view(node, Date.now()).state === 'unreachable';
      if (gone === silent.has(node)) continue;
      if (gone) silent.add(node);
      else silent.delete(node);
      log.info(gone ? 'a node fell silent' : 'a node is heard again', { node });
      touchNode(node);
    }
  }, 2000);

  async function begin(): Promise<void> {
    await Promise.all(reads.map(({ settled }) => settled));
    if (signal.aborted) return;
    lease = holdLease({
      client: options.client,
      namespace: options.leaseNamespace,
      name: 'ifactor-bridge',
      identity,
      outage: apiOutage,
      signal,
      seconds: options.leaseSeconds ?? 10,
      onLead() {
        log.info('leading', { identity });
        // What was learned by standing by may be what another one wrote: look at everything again.
        for (const [token, store] of stores) {
          for (const object of store.all()) {
            touch(`${token}/${keyOf(object)}`);
            touchPlanOf(object);
          }
        }
        touchPlans();
        for (const { subject } of desired.all()) {
          const key = objectOf(subject);
          if (key !== undefined) publishing.add(key);
        }
        const stop = new AbortController();
        telling = { stop, ended: followEvents(connection, prepare, tell, log, stop.signal) };
        for (const queue of queues) queue.on();
        void planning.idle().then(() => publishing.idle()).then(() => ready.resolve('leading'));
      },
      async onLost() {
        log.warn('no longer leading: the lease could not be renewed');
        await Promise.all([hush(), ...queues.map((queue) => queue.off())]);
      },
      onStandBy(holder) {
        log.info('standing by', { leader: holder });
        ready.resolve('standing by');
      },
    });
  }

  async function end(): Promise<void> {
    await Promise.all([hush(), ...queues.map((queue) => queue.off())]);
    await recorder.flush();
    await lease?.release();
    reading.abort();
    clearInterval(sweep);
    await Promise.all(reads.map(({ stopped }) => stopped));
  }

  const beginning = begin();
  const stopped = new Promise<void>((resolve, reject) => {
    const stop = (): void => void end().then(resolve, reject);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop);
    beginning.catch(reject);
  });
  return { ready: ready.promise, stopped };
}

