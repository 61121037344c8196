import { every, explain } from '@ifactor/common';
import type { Clock, Log } from '@ifactor/common';
import { isRemoval, SequenceConflict, StreamFull } from '@ifactor/common/eventStore';
import type { EventStore } from '@ifactor/common/eventStore';
import { knownNodesStream, knownNodeSubject } from '@ifactor/common/nats';
import type { NodeEntry } from '@ifactor/crds';
import { graceMilliseconds } from '../view/nodes.ts';
import type { Heard } from '../view/nodes.ts';
import { createOutage } from '../view/outage.ts';
import type { View } from '../view/view.ts';
import type { StreamFollower } from './follower.ts';

export type KnownNodesOptions = {
  store: Pick<EventStore, 'append' | 'purge'>;
  view: Pick<View, 'nodes' | 'knownNodes' | 'serverNow'>;
  leads: () => boolean;
  /** Lets entries of silent nodes expire; called once, when every node is recorded. */
  expireEntries: () => Promise<void>;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
};

const intervalMs = 5000;
/** How long the marker of a forgotten node stays for bridges that are reconnecting. */
const markerMs = 600_000;

/**
 * While this bridge leads, records each agent's entry in `ifactor_known_nodes`, where it stays when the agent's own entry expires:
 * the node is then silent, and its objects wait for it until `ifactor node forget`. Ends with the signal.
 */
export function startKnownNodes(options: KnownNodesOptions): void {
  const { clock, log, signal, leads, expireEntries } = options;
  const outage = createOutage(log, 'NATS stores messages again', undefined, clock);
  let busy = false;
  let expiring = false;
  async function look(): Promise<void> {
    if (busy || !leads()) return;
    busy = true;
    try {
      const complete = await record(options);
      if (complete) {
        outage.up('known nodes');
        options.view.nodes.stored(undefined, options.view.serverNow());
      }
      if (complete && !expiring) {
        await expireEntries();
        expiring = true;
      }
      await removeMarkers(options);
    } catch (error) {
      // A node falls silent, and a record is due, where NATS stores no heartbeats.
      if (error instanceof StreamFull && error.what === 'server') {
        outage.down('known nodes', 'NATS is full; heartbeats and changes are not stored until there is room', error);
        options.view.nodes.stored(error.message, options.view.serverNow());
      }
      log.debug('nodes cannot be recorded now; retrying', { error: explain(error) });
    } finally {
      busy = false;
    }
  }
  const end = every(clock, intervalMs, () => void look());
  signal.addEventListener('abort', end, { once: true });
}

/** @returns whether every node that has an entry is recorded */
async function record({ store, view, leads }: KnownNodesOptions): Promise<boolean> {
  const { nodes, knownNodes: known } = view;
  for (const heard of nodes.heard()) {
    const subject = knownNodeSubject(heard.entry.node);
    const before = known.get(subject);
    const body = recordOf(heard, view.serverNow(), before?.body);
    if (before?.body === body && !isRemoval(before)) continue;
    if (!leads()) return false;
    try {
      const { sequence } = await store.append(knownNodesStream, {
        subject,
        body,
        headers: {},
        expectedSequence: before?.sequence ?? 0,
      });
      known.put({ subject, body, sequence, time: view.serverNow(), header: () => '' });
    } catch (error) {
      // Another bridge recorded it, or the node was forgotten: the follower reads which.
      if (!(error instanceof SequenceConflict)) throw error;
      return false;
    }
  }
  return true;
}

/**
 * The record of an agent: its entry with the NATS server's time of a heartbeat. The time is that of the last one once the agent is
 * silent; before that it does not change, so that a record is not written for each heartbeat.
 */
function recordOf({ entry, seen }: Heard, now: number, before: string | undefined): string {
  const { trouble: _, ...lasting } = entry;
  const at = (time: string): string => JSON.stringify({ ...lasting, time } satisfies NodeEntry);
  const recorded = /"time":"([^"]*)"/.exec(before ?? '')?.[1];
  return recorded !== undefined && now - seen <= graceMilliseconds && before === at(recorded)
    ? before
    : at(new Date(seen).toISOString());
}

/** Removes what `ifactor node forget` leaves in the stream. */
async function removeMarkers({ store, view, leads }: KnownNodesOptions): Promise<void> {
  const known: StreamFollower = view.knownNodes;
  for (const entry of Array.from(known.all())) {
    if (!isRemoval(entry) || view.serverNow() - entry.time < markerMs) continue;
    if (!leads()) return;
    await store.purge(knownNodesStream, entry.subject, entry.sequence);
    if (known.get(entry.subject)?.sequence === entry.sequence) known.forget(entry.subject);
  }
}
