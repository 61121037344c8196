import type { Clock, Log, Random } from '@ifactor/common';
import type { EventStore } from '@ifactor/common/eventStore';
import type { NatsConnection } from '@nats-io/transport-node';
import type { KubeApi } from './kube/port.ts';

/** What all parts of one bridge share: both sides, clock, random source and log. */
export type BridgeContext = {
  api: KubeApi;
  connection: NatsConnection;
  /** The streams behind the connection. */
  store: EventStore;
  clock: Clock;
  random: Random;
  log: Log;
};

/** Enqueues what has to be reconciled: interfaces by `kind/namespace/name`, plans by `namespace/name`. */
export type Enqueue = { desired(key: string): void; status(key: string): void; plan(key: string): void };
