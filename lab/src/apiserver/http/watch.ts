import type { ServerResponse } from 'node:http';
import { every } from '@ifactor/common';
import type { Json } from '@ifactor/common/json';
import { part, text } from '@ifactor/common/json';
import { servedApiVersion } from '../schema/resource.ts';
import type { ServedResource } from '../schema/resource.ts';
import type { Test } from '../storage/selector.ts';
import { ApiRefusal, gone } from '../status.ts';
import type { ObjectService } from '../object/objects.ts';
import { resourceKey } from '../storage/store.ts';
import type { StoredChange } from '../storage/store.ts';

export type WatchRequest = {
  namespace: string | undefined;
  test: Test;
  /** What is sent of an object. */
  show: (object: Json) => Json;
  resourceVersion: string;
  bookmarks: boolean;
  /** Send the list first, as events, followed by a bookmark that marks its end. */
  initialEvents: boolean;
  timeoutSeconds: number;
};

/** Interval between bookmarks, which report the current revision to the client. */
const bookmarkEveryMs = 30_000;
/** Upper limit of a watch's timeout: timers of the runtime take 31 bits of milliseconds. */
const longestMs = 24 * 3600 * 1000;

/** Streams changes until the timeout or until the client disconnects. The status is 200 even if the revision expired. */
export function watch(
  { store, clock }: Pick<ObjectService, 'store' | 'clock'>,
  resource: ServedResource,
  options: WatchRequest,
  response: ServerResponse,
): void {
  const { namespace, test, show, bookmarks, initialEvents } = options;
  response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' });
  response.flushHeaders();
  const send = (type: string, object: unknown): void => {
    // After the response ended or the client disconnected, a write would raise an error that nothing handles.
    if (!response.writableEnded && !response.destroyed) response.write(`${JSON.stringify({ type, object })}\n`);
  };
  const bookmark = (annotations?: Json): void => {
    const metadata = {
      resourceVersion: String(store.revision),
      creationTimestamp: null,
      ...(annotations ? { annotations } : {}),
    };
    send('BOOKMARK', show({ kind: resource.kind, apiVersion: servedApiVersion(resource), metadata }));
  };
  const key = resourceKey(resource);
  const concerns = (object: Json | null): boolean =>
    object !== null &&
    (namespace === undefined || text(part(object, 'metadata')['namespace']) === namespace) &&
    test(object);

  const listener = (change: StoredChange): void => {
    if (change.resource !== key) return;
    const [was, is] = [concerns(change.before), change.type !== 'DELETED' && concerns(change.object)];
    if (is) send(was ? 'MODIFIED' : 'ADDED', show(change.object));
    else if (was) send('DELETED', show(change.object));
  };

  const { resourceVersion } = options;
  const fresh = resourceVersion === '' || resourceVersion === '0';
  const after = Number(resourceVersion);
  let stop: () => void;
  try {
    if (initialEvents || fresh) {
      for (const object of store.list(resource, namespace).filter(test)) send('ADDED', show(object));
      if (initialEvents) bookmark({ 'k8s.io/initial-events-end': 'true' });
    } else if (!Number.isSafeInteger(after)) throw gone(`invalid resource version ${resourceVersion}`);
    stop = store.follow(initialEvents || fresh ? store.revision : after, listener);
  } catch (error) {
    if (!(error instanceof ApiRefusal)) throw error;
    send('ERROR', error.status);
    response.end();
    return;
  }
  const stopBookmarks = bookmarks ? every(clock, bookmarkEveryMs, bookmark) : undefined;
  const cancelEnd = clock.after(Math.min(options.timeoutSeconds * 1000, longestMs), () => {
    if (bookmarks) bookmark();
    finish();
    response.end();
  });
  /** Stops following the store: changes cannot be sent after the response has ended. */
  const finish = (): void => {
    stop();
    stopBookmarks?.();
    cancelEnd();
  };
  response.on('close', finish);
  if (response.closed) finish();
}
