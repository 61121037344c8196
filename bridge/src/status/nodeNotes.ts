import { every, explain } from '@ifactor/common';
import type { Clock, Log } from '@ifactor/common';
import type { NodeEntry } from '@ifactor/crds';
import { refusedDesiredWords } from '@ifactor/crds/words';
import type { KubeApi } from '../kube/port.ts';
import type { EventNote, Recorder } from '../kube/recorder.ts';
import { resources } from '../kube/resource.ts';
import { changedKeyWords } from '../signing/sealKeys.ts';
import type { SealKeys } from '../signing/sealKeys.ts';

export type NodeNotesOptions = {
  api: Pick<KubeApi, 'get'>;
  /** The Lease of the bridges, which Events about nodes are about. */
  lease: { namespace: string; name: string };
  heard: () => Iterable<{ entry: NodeEntry }>;
  sealKeys: Pick<SealKeys, 'accept'>;
  recorder: Pick<Recorder, 'note'>;
  leads: () => boolean;
  runtime: { clock: Clock; log: Log; signal: AbortSignal };
};

const intervalMs = 5000;

/**
 * While this bridge leads: accepts the seal key of each node that has none, and tells, in the log and as an Event, of a node that shows
 * another key and of one that refuses what is desired. Ends with the signal.
 */
export function startNodeNotes({ api, lease, heard, sealKeys, recorder, leads, runtime }: NodeNotesOptions): void {
  const { clock, log, signal } = runtime;
  /** By node, what was told last. */
  const told = new Map<string, string>();
  let busy = false;

  async function look(): Promise<void> {
    if (busy || !leads()) return;
    busy = true;
    try {
      for (const { entry } of heard()) {
        const note = noteOf(entry, await sealKeys.accept(entry.node, entry.sealKey));
        if (told.get(entry.node) === note?.message) continue;
        if (note === undefined) told.delete(entry.node);
        else await tell(entry.node, note);
      }
    } catch (error) {
      log.debug('nodes cannot be checked now; retrying', { error: explain(error) });
    } finally {
      busy = false;
    }
  }

  async function tell(node: string, note: EventNote): Promise<void> {
    const object = await api.get(resources.leases, lease);
    if (object === undefined) return;
    log.warn(note.message, { node, reason: note.reason });
    recorder.note(object, note);
    told.set(node, note.message);
  }

  const end = every(clock, intervalMs, () => void look());
  signal.addEventListener('abort', end, { once: true });
}

function noteOf({ node, sealKey, refused }: NodeEntry, accepted: string): EventNote | undefined {
  if (sealKey !== accepted)
    return { type: 'Warning', reason: 'SealKeyChanged', message: changedKeyWords(node, sealKey, accepted) };
  if (refused === undefined) return undefined;
  const { reason, subject } = refused;
  return {
    type: 'Warning',
    reason: 'DesiredRefused',
    message: `node ${node} ${refusedDesiredWords(reason)} (${subject})`,
  };
}
