import { createHash } from 'node:crypto';
import { every, explain, systemClock } from '@ifactor/common';
import type { Clock, Log } from '@ifactor/common';
import { answered } from './error.ts';
import type { KubeObject } from './object.ts';
import type { KubeApi, NewObject } from './port.ts';
import { resources } from './resource.ts';

export type EventNote = { type: 'Normal' | 'Warning'; reason: string; message: string };

/**
 * Writes Kubernetes Events, as `kubectl describe` shows them. The same note on the same object is one Event that counts;
 * an Event is written at most every `writeEveryMs`, and an object gets at most `most` different ones per hour.
 */
export type Recorder = {
  note(object: KubeObject, note: EventNote): void;
  /** Writes all pending Events. */
  flush(): Promise<void>;
};

/** What an Event contains of its object: the object itself is not kept, since it may be deleted long before its series ends. */
type Involved = {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
  uid: string;
  resourceVersion: string | undefined;
};

type Series = {
  name: string;
  involved: Involved;
  note: EventNote;
  first: string;
  last: string;
  count: number;
  written: number;
  /** While a write is due. */
  cancel: (() => void) | undefined;
};

const writeEveryMs = 10_000;
const most = 30;
const windowMs = 3_600_000;
/** Number of series kept; after that, the next note of a dropped series starts a new Event. */
const mostSeries = 10_000;

export function createRecorder(
  api: KubeApi,
  log: Log,
  host: string,
  allowed: () => boolean,
  clock: Clock = systemClock,
): Recorder {
  const series = new Map<string, Series>();
  const perObject = new Map<string, number>();
  let ordinal = 0;
  const inFlight = new Set<Promise<void>>();

  const stopSweeping = every(clock, windowMs, () => {
    perObject.clear();
    const old = clock.now() - windowMs;
    for (const [id, { last, cancel }] of series) if (cancel === undefined && Date.parse(last) < old) series.delete(id);
  });

  async function write(one: Series): Promise<void> {
    one.cancel = undefined;
    if (!allowed() || one.written === one.count) return;
    const { name, involved, note, first, last, count } = one;
    const { namespace } = involved;
    const counted = { count, lastTimestamp: last };
    try {
      if (one.written === 0) {
        await api.create(resources.events, {
          ...bodyOf(name, involved, note, host),
          firstTimestamp: first,
          ...counted,
        });
      } else {
        await api.merge(resources.events, { namespace, name }, counted);
      }
      one.written = count;
    } catch (error) {
      // Expired or deleted meanwhile: start a new one. If it exists, an earlier run of this bridge created it.
      if (answered(error, 404)) one.written = 0;
      else if (answered(error, 409)) one.written = Math.max(one.written, 1);
      else log.debug('an Event was not written', { error: explain(error) });
    }
  }

  function begin(one: Series): void {
    const writing = write(one).finally(() => inFlight.delete(writing));
    inFlight.add(writing);
  }

  function forgetOldest(): void {
    for (const [id, { cancel }] of series) {
      if (cancel !== undefined) continue;
      series.delete(id);
      return;
    }
  }

  return {
    note(object, note) {
      const { uid, name } = object.metadata;
      const id = createHash('sha256').update(`${uid} ${note.reason} ${note.message}`).digest('hex').slice(0, 16);
      const now = new Date(clock.now());
      let one = series.get(id);
      if (one !== undefined && now.getTime() - Date.parse(one.last) > windowMs) one = undefined;
      if (one === undefined) {
        const used = perObject.get(uid) ?? 0;
        if (used >= most) return;
        perObject.set(uid, used + 1);
        const time = seconds(now);
        one = {
          name: eventName(name, now, ordinal++, id),
          involved: involvedOf(object),
          note,
          first: time,
          last: time,
          count: 0,
          written: 0,
          cancel: undefined,
        };
        series.delete(id);
        series.set(id, one);
        if (series.size > mostSeries) forgetOldest();
      }
      one.count++;
      one.last = seconds(now);
      if (one.count === 1) {
        begin(one);
        return;
      }
      const waiting = one;
      one.cancel ??= clock.after(writeEveryMs, () => begin(waiting));
    },
    async flush() {
      stopSweeping();
      for (const one of series.values()) one.cancel?.();
      await Promise.all(inFlight);
      await Promise.all([...series.values()].filter(({ cancel }) => cancel !== undefined).map(write));
    },
  };
}

function involvedOf({ apiVersion, kind, metadata }: KubeObject): Involved {
  const { namespace = 'default', uid, name, resourceVersion } = metadata;
  return { apiVersion, kind, namespace, name, uid, resourceVersion };
}

function bodyOf(name: string, involved: Involved, note: EventNote, host: string): NewObject {
  return {
    metadata: { name, namespace: involved.namespace },
    involvedObject: involved,
    type: note.type,
    reason: note.reason,
    message: shortened(note.message),
    source: { component: 'ifactor', host },
    reportingComponent: 'ifactor',
    reportingInstance: host,
  };
}

/** The API server's limit is 1024 bytes. */
function shortened(message: string): string {
  const bytes = Buffer.from(message);
  return bytes.length <= 1024
    ? message
    : `${bytes
        .subarray(0, 1000)
        .toString()
        .replace(/\uFFFD+$/, '')}…`;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0').slice(-digits);

/**
 * Names sort in the order of the Events: within one second `kubectl describe` keeps the order of the list, which is by name.
 * The time in the name also prevents collisions with a later run.
 */
function eventName(object: string, time: Date, ordinal: number, id: string): string {
  // A long name may be cut within: no part of the name of an Event ends in a dash or is empty.
  return `${object.slice(0, 220).replace(/[-.]+$/, '')}.${hex(time.getTime(), 12)}${hex(ordinal, 4)}${id.slice(0, 8)}`;
}

/** `metav1.Time` has no fractions. */
function seconds(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}
