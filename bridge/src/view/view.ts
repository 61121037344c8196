import { kinds } from '@ifactor/crds';
import type { Log } from '@ifactor/common';
import { nodesBucket, streams } from '@ifactor/common/nats';
import type { NatsConnection } from '@nats-io/transport-node';
import { secretsOf } from '../desired/draft.ts';
import { interfaceKinds, unspell } from '../key.ts';
import type { Client } from '../kube/client.ts';
import { keyOf } from '../kube/object.ts';
import type { KubeObject } from '../kube/object.ts';
import { reflect } from '../kube/reflector.ts';
import type { Reflector, ReflectorOptions } from '../kube/reflector.ts';
import { resourceOf, resources } from '../kube/resource.ts';
import { createNodes } from './nodes.ts';
import type { Nodes } from './nodes.ts';
import { createOutage } from './outage.ts';
import type { Outage } from './outage.ts';
import { ownerPlan } from '../plan/reconcile.ts';
import { planSecrets } from '../plan/secrets.ts';
import { follow } from '../stream/follower.ts';
import type { Follower } from '../stream/follower.ts';
import { createIndex, isPlace, objectOf, placeOf } from './relations.ts';

/** What has to be looked at again: interfaces by `kind/namespace/name`, plans by `namespace/name`. */
export type Touch = { publish(key: string): void; report(key: string): void; plan(key: string): void };

/** What both sides say now. Only reads; says through `touch` what a change may bear on. */
export type Picture = {
  objects: (key: string) => KubeObject | undefined;
  plans: Reflector;
  interfaces: Pick<Reflector, 'get' | 'all'>;
  secrets: Reflector;
  nodes: Nodes;
  desired: Follower;
  statuses: Follower;
  /** Subjects of IFACTOR_DESIRED and of IFACTOR_STATUS that speak of an object. */
  wishes: (key: string) => Iterable<string>;
  told: (key: string) => Iterable<string>;
  /** Touches everything that either side speaks of. */
  touchAll(): void;
  apiOutage: Outage;
  /** Resolves when all has been read once. */
  readonly settled: Promise<unknown>;
  readonly stopped: Promise<unknown>;
};

export type PictureOptions = {
  client: Client;
  connection: NatsConnection;
  /** Makes the streams that are missing. */
  prepare: () => Promise<unknown>;
  log: Log;
  signal: AbortSignal;
  touch: Touch;
};

/** How often nodes are looked at for silence, ms. */
const sweepEvery = 2000;

export function createPicture({ client, connection, prepare, log, signal, touch }: PictureOptions): Picture {
  const nodes = createNodes();
  const bySecret = createIndex();
  const byPlanSecret = createIndex();
  const byNode = createIndex();
  const byWish = createIndex();
  const byStatus = createIndex();
  const apiOutage = createOutage(log, 'the API server answers again');
  const natsOutage = createOutage(log, 'NATS answers again');
  const read = (kind: Pick<ReflectorOptions, 'resource' | 'onChange'>): Reflector =>
    reflect({ client, outage: apiOutage, signal, ...kind });
  const index = (of: typeof byWish, subject: string, key: string | undefined, present: boolean): void =>
    of.set(subject, present && key !== undefined ? [key] : []);

  const plans = read({
    resource: resourceOf('WireGuardNetworkPlan'),
    onChange(key, object) {
      byPlanSecret.set(key, object === undefined ? [] : planSecrets(object));
      touch.plan(key);
      // What it held may be what another one waits for.
      if (object === undefined) touchPlans();
    },
  });
  const stores = new Map<string, Reflector>();
  for (const kind of interfaceKinds) {
    const onChange: ReflectorOptions['onChange'] = (name, object, before) => {
      const key = `${kind.token}/${name}`;
      const place = object && placeOf(object, kind.token);
      byNode.set(key, place !== undefined && isPlace(place) ? [place.node] : []);
      bySecret.set(key, object === undefined ? [] : secretsOf(object));
      touchObject(key);
      touchPlanOf(object);
      touchPlanOf(before);
      if (object === undefined) touchPlans();
    };
    stores.set(kind.token, read({ resource: resourceOf(kind.kind), onChange }));
  }
  const secrets = read({
    resource: resources.secrets,
    onChange(name, object, before) {
      for (const key of bySecret.sources(name)) touch.publish(key);
      for (const key of byPlanSecret.sources(name)) touch.plan(key);
      touchPlanOf(object);
      touchPlanOf(before);
    },
  });
  const objects = (key: string): KubeObject | undefined => {
    const { kind, namespace, name } = unspell(key);
    return stores.get(kind)?.get(`${namespace}/${name}`);
  };

  const following = { connection, prepare, outage: natsOutage, signal };
  const desired = follow({
    ...following,
    stream: streams.desired,
    onChange(subject, entry) {
      const key = objectOf(subject);
      index(byWish, subject, key, entry !== undefined);
      if (key !== undefined) touch.publish(key);
    },
  });
  const statuses = follow({
    ...following,
    stream: streams.status,
    onChange(subject, entry) {
      const key = objectOf(subject);
      index(byStatus, subject, key, entry !== undefined);
      if (key === undefined) return;
      touch.report(key);
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

  function touchObject(key: string): void {
    touch.publish(key);
    touch.report(key);
  }

  function touchPlans(): void {
    for (const one of plans.all()) touch.plan(keyOf(one));
  }

  function touchPlanOf(child: KubeObject | undefined): void {
    const owner = child && ownerPlan(child);
    if (child !== undefined && owner !== undefined) touch.plan(`${child.metadata.namespace}/${owner.name}`);
  }

  function touchNode(node: string): void {
    for (const key of byNode.sources(node)) {
      touchObject(key);
      touchPlanOf(objects(key));
    }
  }

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
  }, sweepEvery);
  signal.addEventListener('abort', () => clearInterval(sweep));

  void (async () => {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') log.warn('NATS is away; what changes meanwhile is published when it is back');
      if (type === 'reconnect') log.info('NATS is back');
      if (type === 'disconnect' || type === 'reconnect') nodes.connected(type === 'reconnect', Date.now());
    }
  })();

  const reads = [...stores.values(), plans, secrets, desired, statuses, registry];
  const wireguard = kinds.WireGuardInterface.token;
  return {
    objects,
    plans,
    interfaces: { get: (key) => objects(`${wireguard}/${key}`), all: () => stores.get(wireguard)?.all() ?? [] },
    secrets,
    nodes,
    desired,
    statuses,
    wishes: (key) => byWish.sources(key),
    told: (key) => byStatus.sources(key),
    touchAll() {
      for (const [token, store] of stores) {
        for (const object of store.all()) {
          touchObject(`${token}/${keyOf(object)}`);
          touchPlanOf(object);
        }
      }
      touchPlans();
      for (const { subject } of desired.all()) {
        const key = objectOf(subject);
        if (key !== undefined) touch.publish(key);
      }
    },
    apiOutage,
    settled: Promise.all(reads.map(({ settled }) => settled)),
    stopped: Promise.all(reads.map(({ stopped }) => stopped)),
  };
}
