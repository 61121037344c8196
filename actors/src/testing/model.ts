/**
 * The lifecycle machine with a world as small as can be around it, as logic that `xstate/graph` finds paths through. A path's steps are
 * causes, as a person or another program would set them; what a real node would answer, the small world answers at once.
 */
import { isDeepStrictEqual } from 'node:util';
import { fromTransition } from 'xstate';
import { getShortestPaths } from 'xstate/graph';
import type { EventType, KernelOperation, Key, Observed, ObservedLink, Operation, State } from '@ifactor/crds';
import type { Fact } from '../node/runner/actor.ts';
import { markOf } from '../interface/kind/index.ts';
import { driftIn, fold, initial } from '../interface/machine/fold.ts';
import type { Snapshot } from '../interface/machine/fold.ts';

export const key: Key = { kind: 'netlinkinterface', namespace: 'default', name: 'vx' };

/** A vxlan in container `box`; with the number 0 one that breaks its schema. */
export const specOf = (mtu: number): object => ({
  interfaceName: 'vx9',
  type: 'vxlan',
  up: true,
  mtu,
  container: { docker: { name: 'box' } },
  vxlan: { vni: 9, local: '10.9.9.1', group: '10.9.9.2', port: 4790 },
});
const mtus = [1400, 1300];

export const causes = [
  /** The object is applied, edited, edited into something that breaks its schema, deleted; then it is gone from the API. */
  'apply',
  'edit',
  'spoil',
  'delete',
  'forget',
  /** Another program changes the link's mtu, or deletes it. */
  'change',
  'unlink',
  /** The container goes, with all that is in it, and comes. */
  'leave',
  'return',
  /** A foreign bridge has the name, and is then removed. */
  'occupy',
  'vacate',
  /** Another vxlan has the VNI, so that the kernel refuses ours, and goes. */
  'rival',
  'yield',
  'pause',
  'resume',
  /** The agent ends and starts. */
  'restart',
  /** So much time that the timer elapses. */
  'wait',
] as const;
export type Cause = { type: (typeof causes)[number] };

export type Model = {
  /** Null: the agent has dropped the object, or never received it. */
  actor: Snapshot | null;
  mtu: number | null;
  deleting: boolean;
  there: boolean;
  link: ObservedLink | null;
  rival: boolean;
  timers: readonly string[];
  /** Counts objects, which a uid is made of, and links, which an index is. */
  objects: number;
  links: number;
  /** Milliseconds since 1970. */
  now: number;
  /** Of the last cause: states that were gone through, and events. */
  states: readonly State[];
  events: readonly EventType[];
  /** The facts that the last cause sent to the actor. */
  told: readonly Fact[];
};

const initialModel: Model = {
  actor: null,
  mtu: null,
  deleting: false,
  there: true,
  link: null,
  rival: false,
  timers: [],
  objects: 0,
  links: 10,
  now: Date.parse('2026-01-01T00:00:00Z'),
  states: [],
  events: [],
  told: [],
};

const mark = markOf(key);
export const isOurs = (link: Pick<ObservedLink, 'alias'> | null): boolean => link?.alias === mark;
const observed = ({ link }: Model): Observed => ({ links: { target: link }, strays: [], devices: {} });

/** What each cause can follow on. */
const possible: { readonly [C in Cause['type']]: (model: Model) => boolean } = {
  apply: ({ mtu, deleting }) => mtu === null && !deleting,
  edit: ({ mtu, deleting }) => mtu !== null && !deleting,
  spoil: ({ mtu, deleting }) => mtu !== null && mtu > 0 && !deleting,
  delete: ({ mtu, deleting }) => mtu !== null && !deleting,
  // A finalizer keeps the object until its links are gone.
  forget: ({ deleting, actor }) => deleting && actor?.value === 'deleted',
  change: ({ link, there }) => there && isOurs(link),
  unlink: ({ link, there }) => there && isOurs(link),
  leave: ({ there }) => there,
  return: ({ there }) => !there,
  occupy: ({ link, there, rival }) => there && link === null && !rival,
  vacate: ({ link, there }) => there && link !== null && !isOurs(link),
  rival: ({ link, there, rival }) => there && !rival && link === null,
  yield: ({ rival }) => rival,
  pause: ({ actor }) => actor !== null && actor.context.paused === null && !actor.context.deletion,
  resume: ({ actor }) => actor !== null && actor.context.paused !== null,
  restart: ({ actor }) => actor !== null,
  wait: ({ timers }) => timers.length > 0,
};

export const possibleIn = (model: Model): Cause[] =>
  causes.filter((type) => possible[type](model)).map((type) => ({ type }));

/** What distinguishes two situations, for finding paths. */
export function situation({ actor, mtu, deleting, there, link, rival, timers }: Model): string {
  const who = link === null ? 'none' : isOurs(link) ? `ours ${link.mtu}` : 'foreign';
  const state =
    actor === null
      ? 'nobody'
      : `${actor.value} ${actor.context.verdict.reason} ${actor.context.settled} ${actor.context.paused !== null}`;
  return [state, mtu, deleting, there, who, rival, timers.join()].join(' | ');
}

/** The world after a cause, and the facts that it sends to the actor. */
function happen(model: Model, { type }: Cause): [Model, Fact[]] {
  const applied = (mtu: number): [Model, Fact[]] => {
    const objects = model.mtu === null ? model.objects + 1 : model.objects;
    const uid = `uid-${objects}`;
    const data = {
      uid,
      generation: 1,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      spec: { node: 'n1', ...specOf(mtu) } as never,
    };
    return [{ ...model, actor: model.actor ?? initial(key), mtu, objects }, [{ type: 'SpecChanged', data }]];
  };
  const uid = `uid-${model.objects}`;
  switch (type) {
    case 'apply':
      return applied(mtus[0]!);
    case 'edit':
      return applied(mtus.find((mtu) => mtu !== model.mtu)!);
    case 'spoil':
      return applied(0);
    case 'delete':
      return [
        { ...model, deleting: true },
        [{ type: 'DeletionRequested', data: { uid, resourceVersion: '2', gone: false } }],
      ];
    case 'forget':
      return [
        { ...model, deleting: false, mtu: null },
        [{ type: 'DeletionRequested', data: { uid, resourceVersion: '3', gone: true } }],
      ];
    case 'change':
      return [{ ...model, link: { ...model.link!, mtu: 1200 } }, []];
    case 'unlink':
    case 'vacate':
      return [{ ...model, link: null }, []];
    case 'leave':
      return [
        { ...model, there: false, link: null, rival: false },
        followed(model)
          ? [{ type: 'NetnsLost', data: { slot: 'target', reason: 'ContainerGone', message: 'gone' } }]
          : [],
      ];
    case 'return':
      return [
        { ...model, there: true },
        followed(model) ? [{ type: 'NetnsResolved', data: { slot: 'target', netns: '42' } }] : [],
      ];
    case 'occupy':
      return [
        {
          ...model,
          links: model.links + 1,
          link: {
            index: model.links + 1,
            name: 'vx9',
            kind: 'bridge',
            up: false,
            mtu: 1500,
            alias: null,
            addrGenMode: 'eui64',
            addresses: [],
            slaves: [],
          },
        },
        [],
      ];
    case 'rival':
      return [{ ...model, rival: true }, []];
    case 'yield':
      return [{ ...model, rival: false }, []];
    case 'pause':
      return [model, [{ type: 'Paused', data: { by: 'test' } }]];
    case 'resume':
      return [model, [{ type: 'Resumed', data: { by: 'test' } }]];
    case 'restart':
      return [{ ...model, timers: [] }, [{ type: 'AgentStarted', data: { version: 'test' } }]];
    case 'wait':
      return [
        { ...model, now: model.now + 61_000, timers: [] },
        model.timers.map((timer): Fact => ({ type: 'TimerElapsed', data: { timer } })),
      ];
  }
}

/** A place is followed from the first time that it is asked for. */
const followed = ({ actor }: Model): boolean => actor?.context.places.target !== undefined;

/** The facts of a look that the actor did not request: as `Looker` sends them. */
function notice(model: Model): Fact[] {
  const { actor } = model;
  const known = actor?.context.observed ?? null;
  if (
    !actor ||
    !model.there ||
    known === null ||
    actor.context.running !== null ||
    isDeepStrictEqual(known, observed(model))
  )
    return [];
  return [look(model)];
}

function look(model: Model): Fact {
  const drift = model.actor ? driftIn(model.actor, observed(model)) : [];
  return drift.length > 0
    ? { type: 'DriftObserved', data: { observed: observed(model), drift } }
    : { type: 'LinkObserved', data: { observed: observed(model) } };
}

/** The world after an operation, and the facts that it sends to the actor; null: the kernel refuses. */
function operate(model: Model, operation: KernelOperation): [Model, Fact['type'] | null] {
  const { link, links, rival } = model;
  switch (operation.type) {
    case 'CreateLink': {
      if (rival || link) return [model, null];
      const { name, mtu = 1500, link: made } = operation;
      const vxlan = made.kind === 'vxlan' ? { vxlan: made.vxlan } : {};
      return [
        {
          ...model,
          links: links + 1,
          link: {
            index: links + 1,
            name,
            kind: made.kind,
            up: true,
            mtu,
            alias: mark,
            addrGenMode: 'none',
            addresses: [],
            ...vxlan,
          },
        },
        'LinkCreated',
      ];
    }
    case 'ChangeLink':
      return [
        {
          ...model,
          link: link && { ...link, mtu: operation.change.mtu ?? link.mtu, up: operation.change.up ?? link.up },
        },
        'LinkChanged',
      ];
    case 'RemoveLink':
      return [{ ...model, link: link?.index === operation.index ? null : link }, 'LinkRemoved'];
    case 'AdoptLink':
    case 'MoveLink':
    case 'RemoveStray':
    case 'AddAddress':
    case 'RemoveAddress':
    case 'AttachSlave':
    case 'ReleaseSlave':
    case 'SetWireGuard':
    case 'SetPeer':
    case 'RemovePeer':
      throw new Error(`the small world knows no ${operation.type}`);
  }
}

function answer(model: Model, operation: Operation): [Model, Fact[]] {
  switch (operation.type) {
    case 'ResolveNetns':
      return [
        model,
        [
          model.there
            ? { type: 'NetnsResolved', data: { slot: 'target', netns: '42' } }
            : { type: 'NetnsLost', data: { slot: 'target', reason: 'ContainerGone', message: 'gone' } },
        ],
      ];
    case 'Observe':
      return [model, [look(model)]];
    case 'StartTimer':
      return [{ ...model, timers: [operation.timer] }, []];
    case 'StopTimer':
      return [{ ...model, timers: model.timers.filter((timer) => timer !== operation.timer) }, []];
    case 'Perform': {
      const { id: operations } = operation;
      const facts: Fact[] = [];
      let next = model;
      for (const one of operation.operations) {
        if (next.link && !isOurs(next.link)) throw new Error(`${one.type} on a link of somebody else's`);
        const [after, type] = operate(next, one);
        next = after;
        if (type === null)
          return [
            next,
            [
              ...facts,
              { type: 'OperationFailed', data: { operations, operation: one, code: 'EEXIST', message: 'exists' } },
            ],
          ];
        // Of what was done the actor learns only that it was.
        facts.push({ type, data: { ...one, operations } } as unknown as Fact);
      }
      return [next, [...facts, { type: 'LinkObserved', data: { operations, observed: observed(next) } }]];
    }
    case 'ResolveSecrets':
    case 'BeginConfirm':
    case 'AwaitConfirm':
      throw new Error(`the small world cannot answer ${operation.type}`);
  }
}

/** Lets a cause happen, and answers until nothing is asked any more. @throws Error where a link is not ours, or no end comes */
export function live(before: Model, cause: Cause): Model {
  let [model, facts] = happen({ ...before, states: [], events: [], told: [] }, cause);
  const queue: Fact[] = [...facts, ...(facts.length === 0 ? notice(model) : [])];
  for (let fact = queue.shift(); fact && model.actor; fact = queue.shift()) {
    const time = new Date(model.now).toISOString();
    const { snapshot, operations } = fold(model.actor, { ...fact, time });
    model = {
      ...model,
      actor: snapshot,
      states: [...model.states, snapshot.value],
      events: [...model.events, fact.type],
      told: [...model.told, fact],
    };
    if (model.events.length > 60) throw new Error(`no end after ${cause.type}: ${model.events.join(' ')}`);
    for (const operation of operations) {
      const [after, told] = answer(model, operation);
      model = after;
      queue.push(...told);
    }
  }
  return model.actor?.value === 'deleted' && model.actor.context.deletion?.gone
    ? { ...model, actor: null, timers: [] }
    : model;
}

/** For `xstate/graph`. */
export const logic = fromTransition<Model, Cause, never, object>(live, initialModel);

export const start: Model = initialModel;

/** The situations after each of these causes. */
export function liveAll(path: readonly Cause[], from: Model = start): Model[] {
  const models: Model[] = [];
  for (const cause of path) models.push(live(models.at(-1) ?? from, cause));
  return models;
}

/** For every situation, and every cause that can follow on it: a shortest path there, and the cause. None is the beginning of another. */
export function paths(): Cause[][] {
  const found = getShortestPaths(logic, {
    events: ({ context }) => possibleIn(context),
    serializeState: ({ context }) => situation(context),
    limit: 100_000,
  }).flatMap(({ state, steps }) => {
    const path = steps.slice(1).map(({ event }) => event);
    return possibleIn(state.context).map((cause) => [...path, cause]);
  });
  const prefixes = new Set(found.map((path) => spellPath(path.slice(0, -1))));
  return found.filter((path) => !prefixes.has(spellPath(path)));
}

/**
 * Few paths in which everything happens: for each verdict, each cause that can follow on it, and each way of states that it then
 * goes, with the verdict it ends in.
 */
export function cover(all: readonly Cause[][]): Cause[][] {
  const left = new Map<string, Cause[]>();
  for (const path of all.toSorted((a, b) => b.length - a.length)) {
    for (const what of happenings(path)) left.set(what, path);
  }
  const chosen: Cause[][] = [];
  for (const path of new Set(left.values())) {
    const news = happenings(path).filter((what) => left.has(what));
    if (news.length === 0) continue;
    chosen.push(path);
    for (const what of news) left.delete(what);
  }
  return chosen;
}

const verdict = ({ actor }: Model): string => actor?.context.verdict.reason ?? 'nobody';

function happenings(path: readonly Cause[]): string[] {
  const models = [start, ...liveAll(path)];
  return path.map(
    ({ type }, at) => `${verdict(models[at]!)} ${type} ${models[at + 1]!.states.join()} ${verdict(models[at + 1]!)}`,
  );
}

export const spellPath = (path: readonly Cause[]): string => path.map(({ type }) => type).join(' ');
