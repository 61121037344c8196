import type { RecordedEvent } from '@ifactor/crds';
import type { BridgeContext } from '../context.ts';
import { spell } from '../key.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Recorder } from '../kube/recorder.ts';
import { followEvents } from '../stream/events.ts';
import type { Objects } from '../view/objects.ts';
import { createEventNotes } from './eventNotes.ts';

/** The Node as kubelets name it in Events: `kubectl describe node` finds these, and `kubectl get events` where there is no such Node. */
const nodeOf = ({ node, time }: RecordedEvent): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: node, uid: node, namespace: 'default', resourceVersion: '', creationTimestamp: time },
});

/** Converts the event log to Kubernetes Events, only while leading: all bridges share one position in the log. */
export function recordEvents(
  { store, clock, random, log }: BridgeContext,
  objects: Pick<Objects, 'get'>,
  recorder: Recorder,
): { start(): void; stop(): Promise<void> } {
  const noteOf = createEventNotes();
  let running: { stop: AbortController; ended: Promise<void> } | undefined;

  function tell(event: RecordedEvent): void {
    const note = noteOf(event);
    const object = objects.get(spell(event.key));
    if (note === undefined) return;
    if (object !== undefined) recorder.note(object, note);
    // What a deleted object left on its node is a matter of the node.
    else if (event.type === 'StrayLeft')
      recorder.note(nodeOf(event), { ...note, message: `${spell(event.key)}: ${note.message}` });
  }

  return {
    start() {
      const stop = new AbortController();
      running = { stop, ended: followEvents({ store, take: tell, log, clock, random, signal: stop.signal }) };
    },
    async stop() {
      running?.stop.abort();
      await running?.ended;
    },
  };
}
