import type { BridgeContext, Enqueue } from './context.ts';
import { createAbsence } from './desired/absence.ts';
import { Brake } from './desired/brake.ts';
import { reconcileDesired, tombstoneStray } from './desired/publish.ts';
import type { Unsent } from './desired/publish.ts';
import type { Recorder } from './kube/recorder.ts';
import { createReservations } from './plan/reservations.ts';
import { reconcilePlan } from './plan/reconcile.ts';
import { createQueue } from './queue.ts';
import type { Queue } from './queue.ts';
import { reconcileStatus } from './status/reconcile.ts';
import { readStatus } from './status/status.ts';
import { createObjectWriter } from './status/writer.ts';
import type { SealKeys } from './signing/sealKeys.ts';
import { isTombstone } from './stream/publisher.ts';
import type { Publisher } from './stream/publisher.ts';
import type { OwnWrites } from './view/change.ts';
import type { View } from './view/view.ts';

/** The three queues: desired state to the stream, status and finalizers to the API, plans to children. */
export type Queues = { desired: Queue; status: Queue; plan: Queue };

type Workers = { [K in keyof Queues]: (key: string) => Promise<number | undefined> };

/** Queues whose workers are set later, because the view enqueues before the reconcilers exist. */
export function createQueues({ clock, random, log }: BridgeContext, workers: () => Workers): Queues {
  const queue = (name: keyof Queues, workerCount: number): Queue =>
    createQueue({
      workers: workerCount,
      log: log.with({ task: name }),
      work: (key) => workers()[name](key),
      clock,
      random,
    });
  // One worker for plans, so that two plans never get the same port.
  return { desired: queue('desired', 64), status: queue('status', 16), plan: queue('plan', 1) };
}

export function enqueueInto(queues: Queues): Enqueue {
  return { desired: queues.desired.add, status: queues.status.add, plan: queues.plan.add };
}

export type ReconcilerParts = {
  context: BridgeContext;
  view: View;
  publisher: Publisher;
  recorder: Recorder;
  ownWrites: OwnWrites;
  sealKeys: Pick<SealKeys, 'accept'>;
  /** The brake holds tombstones back: how many, and how many would be let through. */
  held: (waiting: number, limit: number) => void;
};

/** What the workers of the queues need. */
export function createWorkers(parts: ReconcilerParts, enqueue: Enqueue): { workers: Workers; brake: Brake } {
  const { context, view, publisher, recorder, ownWrites, sealKeys, held } = parts;
  const { api, clock } = context;
  const { objects, messages } = view;
  const brake = new Brake({
    living: () => [...messages.desired.all()].filter((entry) => !isTombstone(entry)).length,
    held,
    admitted(key) {
      if (key.startsWith('wireguardnetworkplan/')) enqueue.plan(key.slice(key.indexOf('/') + 1));
      else enqueue.desired(key);
    },
    clock,
  });
  const absence = createAbsence(objects, brake, api);
  const writer = createObjectWriter(api, ownWrites, recorder, clock);
  const reservations = createReservations(objects);

  async function stray(subject: string): Promise<void> {
    const entry = messages.statuses.get(subject);
    const said = entry && readStatus(entry);
    if (said && !(await tombstoneStray({ api, desired: messages.desired, publisher }, said))) return;
    if (entry === undefined) return;
    await publisher.purgeStatus(entry);
    if (messages.statuses.get(subject)?.sequence === entry.sequence) messages.statuses.forget(subject);
  }

  const unsent: Unsent = { reasons: new Map(), changed: (key) => enqueue.status(key) };
  const workers: Workers = {
    desired: (key) => reconcileDesired({ api, view, publisher, writer, absence, unsent, sealKeys }, key),
    status: (key) => reconcileStatus({ view, writer, stray, clock, unsent: unsent.reasons }, key),
    plan: (key) => reconcilePlan({ api, view, writer, reservations, absence, clock }, key),
  };
  return { workers, brake };
}
