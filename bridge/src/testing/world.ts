import { nodeSubject } from '@ifactor/common/nats';
import { formatStatusSubject, kinds } from '@ifactor/crds';
import type { InterfaceStatus, KindName } from '@ifactor/crds';
import { TestClock } from '@ifactor/common/testing';
import { unspell } from '../key.ts';
import { keyOf } from '../kube/object.ts';
import type { KubeObject } from '../kube/object.ts';
import type { KubeApi, NewObject } from '../kube/port.ts';
import type { EventNote } from '../kube/recorder.ts';
import { resourceOf, resources } from '../kube/resource.ts';
import type { Resource } from '../kube/resource.ts';
import { createObjectWriter } from '../status/writer.ts';
import type { ObjectWriter } from '../status/writer.ts';
import type { Entry } from '../stream/follower.ts';
import { createOwnWrites } from '../view/change.ts';
import { createDeletions } from '../view/deletions.ts';
import type { Deletions } from '../view/deletions.ts';
import { createNodes } from '../view/nodes.ts';
import type { Nodes } from '../view/nodes.ts';
import { isPlace, placeOf } from '../view/relations.ts';
import type { View } from '../view/view.ts';
import { createMemoryKube } from './memoryKube.ts';
import { registered } from './objects.ts';

type Read = KindName | 'Secret';
const read: readonly Read[] = ['WireGuardNetworkPlan', 'WireGuardInterface', 'NetlinkInterface', 'Secret'];
const resourceOfRead = (kind: Read): Resource => (kind === 'Secret' ? resources.secrets : resourceOf(kind));

const kindOfToken = (token: string): KindName =>
  Object.values(kinds).find((kind) => kind.token === token)?.kind ?? 'WireGuardInterface';

/** Environment of one reconciler: an API server in memory, and a view that `look` updates. */
export type World = {
  api: KubeApi;
  clock: TestClock;
  view: View;
  nodes: Nodes;
  deletions: Deletions;
  writer: ObjectWriter;
  /** Kinds that cannot be listed. */
  missing: Set<Read>;
  /** Kubernetes Events. */
  notes: EventNote[];
  create: (kind: Read, object: NewObject) => Promise<KubeObject>;
  /** The object as the API server has it. */
  get: (kind: Read, name: string, namespace?: string) => Promise<KubeObject | undefined>;
  names: (kind: Read) => Promise<string[]>;
  /** Updates the view from the API server. */
  look: () => Promise<void>;
  /** A heartbeat of a node's agent. */
  hear: (node: string) => void;
  /** The agent of the object's node publishes this status of it; by default at the view's time. */
  say: (object: KubeObject, status: InterfaceStatus, time?: number) => void;
  /** Subjects of the status stream that have a message about a key. */
  said: Map<string, Entry>;
};

export function createWorld(): World {
  const clock = new TestClock();
  const api = createMemoryKube(() => clock.now());
  const nodes = createNodes();
  const deletions = createDeletions();
  const missing = new Set<Read>();
  const notes: EventNote[] = [];
  const seen = new Map<Read, Map<string, KubeObject>>(read.map((kind) => [kind, new Map()]));
  const said = new Map<string, Entry>();
  const store = (kind: Read) => ({
    get: (key: string) => seen.get(kind)?.get(key),
    all: () => seen.get(kind)?.values() ?? [],
    get forbidden(): boolean {
      return missing.has(kind);
    },
  });
  // The part of a view that reconcilers use.
  const view = {
    objects: {
      get: (key: string) => {
        const { kind, namespace, name } = unspell(key);
        return seen.get(kindOfToken(kind))?.get(`${namespace}/${name}`);
      },
      plans: store('WireGuardNetworkPlan'),
      interfaces: store('WireGuardInterface'),
      secrets: store('Secret'),
      incomplete: (...of: readonly Read[]) => of.filter((kind) => missing.has(kind)).map((kind) => `${kind}s missing`),
      deletions,
    },
    messages: {
      statuses: { get: (subject: string) => said.get(subject) },
      statusesOf: (key: string) =>
        [...said.keys()].filter((subject) => {
          const [kind, namespace, name] = subject.split('.').slice(3);
          return `${kind}/${namespace}/${name}` === key;
        }),
    },
    nodes,
    serverNow: () => clock.now(),
  } as unknown as View;
  const recorder = { note: (_object: KubeObject, note: EventNote) => void notes.push(note), flush: async () => {} };

  async function list(kind: Read): Promise<KubeObject[]> {
    return (await api.list(resourceOfRead(kind), { limit: 500 })).items;
  }

  return {
    api,
    clock,
    view,
    nodes,
    deletions,
    writer: createObjectWriter(api, createOwnWrites(), recorder, clock),
    missing,
    notes,
    said,
    create: (kind, object) => api.create(resourceOfRead(kind), object),
    get: (kind, name, namespace = 'default') => api.get(resourceOfRead(kind), { namespace, name }),
    names: async (kind) => (await list(kind)).map(({ metadata }) => metadata.name).toSorted(),
    async look() {
      for (const kind of read)
        seen.set(kind, new Map((await list(kind)).map((object) => [keyOf(object), object] as const)));
    },
    hear(node) {
      const { entry } = registered(node);
      const subject = nodeSubject(node);
      nodes.take(
        subject,
        { subject, sequence: 1, time: clock.now(), header: () => '', body: JSON.stringify(entry) },
        clock.now(),
      );
    },
    say(object, status, time = clock.now()) {
      const token = Object.values(kinds).find(({ kind }) => kind === object.kind)!.token;
      const place = placeOf(object, token);
      if (!isPlace(place)) throw new Error(place.refused);
      const subject = formatStatusSubject(place);
      const body = JSON.stringify({ ...place, uid: object.metadata.uid, hash: '', status });
      said.set(subject, { subject, sequence: 1, time, header: () => '', body });
    },
  };
}
