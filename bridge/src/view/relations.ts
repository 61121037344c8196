import {
  formatDesiredSubject,
  formatStatusSubject,
  parseDesiredSubject,
  parseStatusSubject,
  SubjectError,
} from '@ifactor/crds';
import type { Place, StatusMessage } from '@ifactor/crds';
import { isRecord } from '@ifactor/common/json';
import { spell, withoutNode } from '../key.ts';
import type { KubeObject } from '../kube/object.ts';
import { readStatus } from '../status/status.ts';
import type { StreamFollower } from '../stream/follower.ts';

/** A many-to-many relation, read from either a target or a source: sources are objects, targets what they depend on. */
export type Index = {
  set(source: string, targets: readonly string[]): void;
  sources(target: string): Iterable<string>;
  /** Number of sources and targets held. */
  readonly size: number;
};

export function createIndex(): Index {
  const targets = new Map<string, readonly string[]>();
  const sources = new Map<string, Set<string>>();
  return {
    set(source, next) {
      for (const target of targets.get(source) ?? []) {
        const known = sources.get(target);
        known?.delete(source);
        // Remove empty targets: names come and go without limit.
        if (known?.size === 0) sources.delete(target);
      }
      if (next.length === 0) targets.delete(source);
      else targets.set(source, next);
      for (const target of next) {
        const known = sources.get(target) ?? new Set();
        sources.set(target, known.add(source));
      }
    },
    sources: (target) => sources.get(target) ?? [],
    get size() {
      return targets.size + sources.size;
    },
  };
}

/** A spec larger than this, in bytes of JSON, may exceed the message limit of NATS, which is 1 MiB by default. */
const largest = 900_000;

/** The node of an object, or why the object cannot be published to one. */
export function placeOf(object: KubeObject, kind: string): Place | { refused: string } {
  const node: unknown = isRecord(object.spec) ? object.spec['node'] : undefined;
  if (typeof node !== 'string') return { refused: 'node is missing: name the node whose agent owns the interface' };
  const size = Buffer.byteLength(JSON.stringify(object.spec));
  if (size > largest)
    return {
      refused: `the spec has ${size} bytes, more than the ${largest} that can be sent to a node; split the object`,
    };
  const place = { node, kind, namespace: object.metadata.namespace ?? '', name: object.metadata.name };
  try {
    formatDesiredSubject(place);
    return place;
  } catch (error) {
    if (error instanceof SubjectError) return { refused: error.message };
    throw error;
  }
}

/** The object that a subject is about; undefined if the subject is of another program. */
export function objectOf(subject: string): string | undefined {
  try {
    return spell(
      withoutNode(subject.startsWith('ifactor.status.') ? parseStatusSubject(subject) : parseDesiredSubject(subject)),
    );
  } catch (error) {
    if (error instanceof SubjectError) return undefined;
    throw error;
  }
}

/** The node in a subject of the status stream, as its agent is named. */
export const nodeOf = (subject: string): string => subject.split('.')[2]?.replaceAll('_', '.') ?? '';

/** The status that the agent published for exactly this object (by uid), if any. */
export function saidOf(
  statuses: Pick<StreamFollower, 'get'>,
  object: KubeObject,
  place: Place,
): StatusMessage | undefined {
  const entry = statuses.get(formatStatusSubject(place));
  const message = entry && readStatus(entry);
  return message?.uid === object.metadata.uid ? message : undefined;
}

export function isPlace(place: Place | { refused: string }): place is Place {
  return 'node' in place;
}
