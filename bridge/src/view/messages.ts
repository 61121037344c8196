import { streams } from '@ifactor/common/nats';
import type { BridgeContext, Enqueue } from '../context.ts';
import { follow } from '../stream/follower.ts';
import type { Entry, StreamFollower } from '../stream/follower.ts';
import { isTombstone } from '../stream/publisher.ts';
import { createBudgets, nodeBudget } from './budget.ts';
import type { Deletions } from './deletions.ts';
import type { Outage } from './outage.ts';
import { createIndex, nodeOf, objectOf } from './relations.ts';

/** The last message of each object in the streams. A change enqueues what depends on it. */
export type Messages = {
  desired: StreamFollower;
  statuses: StreamFollower;
  /** Subjects of IFACTOR_DESIRED and of IFACTOR_STATUS that have a message about an object, by `kind/namespace/name`. */
  desiredOf: (key: string) => Iterable<string>;
  statusesOf: (key: string) => Iterable<string>;
  /** Enqueues every object that has a message in IFACTOR_DESIRED. */
  enqueueAll(): void;
};

export type MessagesOptions = {
  context: BridgeContext;
  enqueue: Enqueue;
  outage: Outage;
  deletions: Deletions;
  /** An agent published a new status of an object. */
  onStatus: (key: string) => void;
  signal: AbortSignal;
};

export function readMessages({ context, enqueue, outage, deletions, onStatus, signal }: MessagesOptions): Messages {
  const byDesired = createIndex();
  const byStatus = createIndex();
  const { store, clock, random, log } = context;
  const budgets = createBudgets(nodeBudget, log, clock);
  const following = { store, clock, random, outage, signal };

  function desiredChanged(subject: string, entry: Entry | undefined): void {
    const key = objectOf(subject);
    if (key === undefined) return;
    byDesired.set(subject, entry === undefined ? [] : [key]);
    if (entry === undefined || isTombstone(entry)) deletions.forget(key);
    enqueue.desired(key);
    // An object's status is purged only after the stream has its tombstone.
    if (entry !== undefined && isTombstone(entry)) enqueue.status(key);
  }

  function statusChanged(subject: string, entry: Entry | undefined): void {
    const key = objectOf(subject);
    if (key === undefined) return;
    byStatus.set(subject, entry === undefined ? [] : [key]);
    // The bridge itself removed the message, so no budget applies.
    if (entry === undefined) onStatus(key);
    else budgets.spend(nodeOf(subject), entry.body.length, key, () => onStatus(key));
  }

  const desired = follow({ ...following, stream: streams.desired, onChange: desiredChanged });
  const statuses = follow({ ...following, stream: streams.status, onChange: statusChanged });
  return {
    desired,
    statuses,
    desiredOf: (key) => byDesired.sources(key),
    statusesOf: (key) => byStatus.sources(key),
    enqueueAll() {
      for (const { subject } of desired.all()) {
        const key = objectOf(subject);
        if (key !== undefined) enqueue.desired(key);
      }
    },
  };
}
