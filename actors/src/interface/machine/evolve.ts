import { isDeepStrictEqual } from 'node:util';
import type { Drift, EventData, InterfaceEvent, InterfaceSpec, Observed, Operation, Slot } from '@ifactor/crds';
import { rulesOf } from '../kind/index.ts';
import { checkedAddresses, tentativeIn } from './addressCheck.ts';
import { confirmAfter, confirmBegan, confirmed, isPinned, rolledBack, trialOf } from './confirm.ts';
import { initialContext, nothing, timers, unasked } from './context.ts';
import { holdAfter, isOver, isPaused, pausedBy, resumedFrom, timing } from './hold.ts';
import type { Context, Failure } from './context.ts';
import { recheckedAddresses, recheckElapsed } from './recheck.ts';
import { retryingStrays, strayLeft } from './stray.ts';
import type { Work } from './verdict.ts';

const second = 1000;
/** The longest wait between two tries, in milliseconds. */
const longestWait = 60 * second;
/** Drift of the same fields this often within a minute is a fight with another program. */
const fight = { times: 10, within: 60 * second };
/** A fight is over after this long without one; longer than the longest wait, after which it would go on. */
const calm = 5 * longestWait;
/** Rounds of operations that succeeded and left a difference, after which the actor backs off. */
const patience = 5;
/** Fields that a failure names with their values, at most. */
const mostTold = 4;
/** Errors that a new observation explains, such as a link that was removed meanwhile: no failure the first time. */
const passing = new Set(['ENODEV', 'ENOENT', 'EEXIST', 'ECLOSED', 'ESTALE']);

/** The wait before the next try, in milliseconds. */
const backOff = (attempts: number): number => Math.min(second * 2 ** (attempts - 1), longestWait);

const later = (time: string, milliseconds: number): string => new Date(Date.parse(time) + milliseconds).toISOString();

/** What is known of the kernel no longer holds: it is looked at again. */
const unseen = (context: Context): Context => ({
  ...context,
  observed: null,
  asked: { ...context.asked, observe: false },
});

/** How long after an endpoint's host name had no address it is looked up again, in milliseconds. */
const endpointRetryMs = 30_000;

const asking = (context: Context, ...operations: Operation[]): Context => ({
  ...context,
  due: context.due ? [...context.due, ...operations] : operations,
});

/** As `asking`, where there may be nothing to ask. */
const alsoAsking = (context: Context, operations: Operation[]): Context =>
  operations.length === 0 ? context : asking(context, ...operations);

/** What `Failure` says beside the time. */
type Cause = Failure extends infer F ? (F extends Failure ? Omit<F, 'until'> : never) : never;

/** Backs off after a failure, longer for each consecutive one; with `forGood` it does not retry. */
function failed(context: Context, time: string, cause: Cause, forGood = false): Context {
  const attempts = context.attempts + 1;
  const milliseconds = backOff(attempts);
  const until = forGood ? null : later(time, milliseconds);
  const next: Context = { ...context, attempts, failure: { ...cause, until } };
  return forGood ? next : asking(next, { type: 'StartTimer', timer: timers.retry, milliseconds });
}

/** The agent itself failed, which is a defect of ifactor: it is contained here, and tried again. */
export const agentFailed = (context: Context, time: string, step: string, text: string): Context =>
  failed(over(context), time, { code: 'InternalError', step, text });

/** What was thrown, as a parameter of a failure. */
export const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Another program reverts our changes. Each consecutive time the wait is longer, even if the interface was healthy in between. */
function contested(context: Context, time: string, fields: string, tally: number | null): Context {
  const times = (recentFight(context, time)?.times ?? 0) + 1;
  const attempts = Math.max(context.attempts, times - 1);
  const cause = { code: 'Contested', fields, times: tally } as const;
  return failed({ ...context, attempts, fight: { times, last: time } }, time, cause);
}

/** The last fight with another program; undefined: not lately. */
const recentFight = ({ fight: last }: Context, time: string): Context['fight'] =>
  last !== undefined && Date.parse(time) - Date.parse(last.last) < calm ? last : undefined;

export const isFought = (context: Context, time: string): boolean => recentFight(context, time) !== undefined;

/** Places that the changed spec declares differently must be resolved again. */
function placesAfter(context: Context, spec: Context['spec']): Context['places'] {
  const before = rulesOf(context.key, context.spec);
  const after = rulesOf(context.key, spec);
  if ('problem' in before || 'problem' in after) return {};
  const old = before.rules.places(before.spec);
  const places: { [S in Slot]?: NonNullable<Context['places'][S]> } = {};
  for (const place of after.rules.places(after.spec)) {
    const known = context.places[place.slot];
    const same = old.some((other) => isDeepStrictEqual(other, place));
    if (known && same) places[place.slot] = known;
  }
  return places;
}

/** Operations in flight were decided for what no longer holds. */
const outdated = ({ running }: Context): Pick<Context, 'outdated'> => (running === null ? {} : { outdated: true });

/** Timers do not outlive the agent: an address check still in progress is observed and awaited again. */
function unchecked(context: Context): Context {
  const { addressCheck: _, recheck: __, ...rest } = context;
  return rest;
}

/** Nothing is in flight any more. */
function over(context: Context): Context {
  const next = { ...context, running: null };
  delete next.outdated;
  return next;
}

/** Puts another spec in force: what depended on the former one is looked up again. */
function enforce(context: Context, spec: Context['spec']): Context {
  const { fight: _, addressCheck: __, recheck: ___, loop: ____, ...peaceful } = context;
  return {
    ...peaceful,
    ...outdated(context),
    spec,
    observed: null,
    places: placesAfter(context, spec),
    asked: unasked,
    taken: nothing,
    unresolved: nothing,
    failure: null,
    attempts: 0,
    stuck: 0,
    drifts: [],
    settled: false,
  };
}

/** Another object of the same name: drop the state of the former one, except for operations in flight. */
const bornAgain = ({ key, round, running, ready, verdict }: Context): Context => ({
  ...initialContext(key),
  round,
  running,
  ready,
  verdict,
});

/** The declared spec differs in `spec.mode` only: what is known stays, and it is decided again what is done. */
function modeChanged(context: Context, spec: InterfaceSpec): Context {
  const { recheck: _, ...known } = context;
  const next = unseen({ ...known, failure: null, attempts: 0, stuck: 0 });
  const { confirm } = context;
  if (!confirm?.rolledBack) return { ...next, spec };
  return { ...next, confirm: { ...confirm, rolledBack: { ...confirm.rolledBack, spec } } };
}

/** Whether specs that differ do so in `spec.mode` only. */
const differsInMode = (a: InterfaceSpec, b: Context['spec']): boolean =>
  isDeepStrictEqual({ ...a, mode: null }, { ...b, mode: null });

function specChanged(context: Context, time: string, data: EventData['SpecChanged']): Context {
  const { spec: raw, ...desired } = data;
  const reborn = context.desired !== null && context.desired.uid !== data.uid;
  const before = reborn ? bornAgain(context) : context;
  const read = rulesOf(context.key, raw);
  const spec = 'problem' in read ? null : read.spec;
  const refused = 'problem' in read ? { spec: raw } : null;
  const { hold: former, ...unheld } = before;
  const hold = spec === null ? former : holdAfter(former, spec, time);
  const base: Context = { ...unheld, desired, deletion: null, ...(hold ? { hold } : {}) };
  const declared = before.confirm?.rolledBack?.spec ?? before.spec;
  const same =
    refused === null
      ? before.refused === null && isDeepStrictEqual(spec, declared)
      : isDeepStrictEqual(refused, before.refused);
  // An object that was said to be deleted and is declared all the same begins again, with what it was.
  if (same && context.deletion === null) return base;
  const kept = before.refused === null && context.deletion === null;
  if (kept && spec !== null && differsInMode(spec, declared)) return modeChanged(base, spec);
  const confirm = confirmAfter(before, data.generation, spec);
  // Where the new one breaks its schema, the links are still known by the former: they go with the object.
  return enforce({ ...base, refused, ...(confirm ? { confirm } : {}) }, spec ?? before.spec);
}

function specRolledBack(context: Context, data: EventData['SpecRolledBack']): Context {
  const back = rolledBack(context, data);
  if (!back) return context;
  return back.spec === null
    ? unseen({ ...back.context, settled: false, failure: null })
    : enforce(back.context, back.spec);
}

function without<T>(record: { [key: string]: T }, key: string): { [key: string]: T } {
  const { [key]: _, ...rest } = record;
  return rest;
}

/** The netns where tunnels are made now. */
function birthplace({ places: { home } }: Context): Pick<Context, 'birth'> {
  return home && 'netns' in home ? { birth: home.netns } : {};
}

/** What a look at a WireGuard device teaches: the port it chose, and endpoints and a birth that it has had since before our log. */
function observedDevice(
  context: Context,
  observed: EventData['LinkObserved']['observed'],
): Partial<Pick<Context, 'listenPort' | 'endpoints' | 'birth'>> {
  const { spec } = context;
  let { listenPort, endpoints } = context;
  if (spec === null || !('peers' in spec)) return {};
  const device = observed.links.target?.wireguard ?? observed.links.home?.wireguard;
  if (spec.listenPort) listenPort = null;
  else if (device && device.listenPort > 0) listenPort ??= device.listenPort;
  for (const { publicKey, endpoint } of device?.peers ?? []) {
    if (endpoint === null || endpoints[publicKey] !== undefined) continue;
    const wanted = spec.peers.find((peer) => peer.publicKey === publicKey)?.endpoint;
    if (wanted !== undefined) endpoints = { ...endpoints, [publicKey]: wanted };
  }
  const found = context.birth === undefined && observed.links.target?.wireguard !== undefined;
  return { listenPort, endpoints, ...(found ? birthplace(context) : {}) };
}

function operationFailed(context: Context, time: string, data: EventData['OperationFailed']): Context {
  if (data.operations !== context.running) return context;
  const next = unseen(over(context));
  if (data.code === 'EADDRINUSE') next.listenPort = null;
  if (context.outdated) return next;
  if (passing.has(data.code) && context.attempts === 0) return { ...next, attempts: 1 };
  const cause = { code: 'Refused', errno: data.code, text: data.message, module: data.module ?? null } as const;
  // A removal is retried for as long as the object is being deleted.
  return failed(next, time, cause, data.code === 'EOPNOTSUPP' && context.deletion === null);
}

function driftObserved(context: Context, time: string, data: EventData['DriftObserved']): Context {
  // Nothing is undone where nothing is done: such drift is no sign of another program, now or once it is healed.
  if (context.hold || isPaused(context)) return seen(context, time, data.observed);
  const fields = [...new Set(data.drift.map(({ field }) => field))].join(', ');
  const since = Date.parse(time) - fight.within;
  const drifts = [...context.drifts.filter((drift) => Date.parse(drift.time) > since), { time, fields }];
  const next = seen({ ...context, drifts }, time, data.observed);
  const times = drifts.filter((drift) => drift.fields === fields).length;
  if (times < fight.times) return next;
  return contested({ ...unseen(next), drifts: [] }, time, fields, times);
}

/** A pause is over; or a part of one that is timed in several steps. */
function pauseElapsed(context: Context, time: string): Context {
  if (isOver(context, time)) return unseen({ ...context, paused: null });
  return alsoAsking(context, timing(context.paused, time));
}

/** The address check no longer delays readiness. */
const addressesAwaited = (context: Context): Context =>
  context.addressCheck === undefined ? context : { ...context, addressCheck: 'over' };

/** What remains of secrets and confirmations after a start: secrets of a rollback stay, a trial continues. */
function agentStarted({ confirm }: Context): Pick<Context, 'secrets' | 'confirm'> {
  if (!confirm) return { secrets: {} };
  const trial = confirm.trial && { ...confirm.trial, asked: false };
  return { secrets: confirm.rolledBack ? (confirm.proven?.secrets ?? {}) : {}, confirm: { ...confirm, trial } };
}

/** What a look shows is known from now on. */
function seen(context: Context, time: string, observed: Observed): Context {
  const answered = { ...context.asked, observe: false };
  const next = { ...context, ...observedDevice(context, observed), observed, asked: answered };
  const checked = checkedAddresses(next);
  const known = alsoAsking(checked.context, checked.operations);
  // Nothing is checked again where nothing is done.
  if (known.hold) return known;
  const rechecked = recheckedAddresses(known, time, tentativeIn(known).length > 0);
  return alsoAsking(rechecked.context, rechecked.operations);
}

/** What a look shows. One of operations that were decided for something else is taken again. */
function linkObserved(context: Context, time: string, { observed, operations }: EventData['LinkObserved']): Context {
  if (operations !== undefined && operations !== context.running) return context;
  const own = operations !== undefined;
  if (own && context.outdated) return unseen(over(context));
  return seen(own ? { ...over(context), stuck: context.stuck + 1 } : context, time, observed);
}

/** The initial context, with the current state kept. */
function begun({ key, verdict: { state } }: Context): Context {
  const fresh = initialContext(key);
  return { ...fresh, verdict: { ...fresh.verdict, state } };
}

/** An agent forgets an actor whose object and links are gone. */
const finished = ({ verdict, deletion }: Context): boolean => verdict.state === 'deleted' && deletion?.gone === true;

/**
 * What the actor knows after an event. What the rules of a kind throw on the way is a failure of this actor.
 *
 * Late results of operations that are over are no news; of one that has finished, nothing is
 * but another object of its name.
 */
export function evolve(given: Context, event: InterfaceEvent): Context {
  if (finished(given) && event.type !== 'SpecChanged') return given;
  try {
    return evolved(finished(given) ? begun(given) : given, event);
  } catch (error) {
    return agentFailed(given, event.time, `take ${event.type}`, textOf(error));
  }
}

function evolved(context: Context, event: InterfaceEvent): Context {
  switch (event.type) {
    case 'SpecChanged':
      return specChanged(context, event.time, event.data);
    case 'DeletionRequested':
      if (context.deletion !== null) return { ...context, deletion: event.data };
      return unseen({
        ...context,
        ...(context.confirm ? { confirm: { ...context.confirm, trial: null } } : {}),
        deletion: event.data,
        failure: null,
        attempts: 0,
        paused: null,
        ...outdated(context),
      });
    case 'ConfirmBegan':
      return confirmBegan(context, event.time, event.data);
    case 'SpecConfirmed':
      return trialOf(context, event.data.generation) ? confirmed(context) : context;
    case 'SpecRolledBack':
      return specRolledBack(context, event.data);
    case 'SecretResolved': {
      const { ref, fingerprint } = event.data;
      if (isPinned(context, ref)) return { ...context, asked: { ...context.asked, secrets: false } };
      const changed = context.secrets[ref] !== undefined && context.secrets[ref] !== fingerprint;
      return {
        ...context,
        secrets: { ...context.secrets, [ref]: fingerprint },
        missing: without(context.missing, ref),
        asked: { ...context.asked, secrets: false },
        settled: context.settled && !changed,
      };
    }
    case 'SecretMissing': {
      const { ref, reason } = event.data;
      if (isPinned(context, ref)) return { ...context, asked: { ...context.asked, secrets: false } };
      return {
        ...context,
        missing: { ...context.missing, [ref]: reason },
        asked: { ...context.asked, secrets: false },
      };
    }
    case 'NetnsResolved': {
      const { slot, netns } = event.data;
      const known = context.places[slot];
      const same = known !== undefined && 'netns' in known && known.netns === netns;
      const next = {
        ...context,
        places: { ...context.places, [slot]: { netns } },
        asked: { ...context.asked, places: false },
      };
      return same ? next : unseen({ ...next, failure: null });
    }
    case 'NetnsLost': {
      const { slot, reason } = event.data;
      const next = { ...context, places: { ...context.places, [slot]: { reason } }, settled: false };
      return unseen({ ...next, asked: { ...next.asked, places: false }, failure: null });
    }
    case 'NameTaken':
      return {
        ...context,
        taken: { ...context.taken, [event.data.slot]: { name: event.data.name, by: event.data.by } },
      };
    case 'NameFreed':
      return unseen({ ...context, taken: without(context.taken, event.data.slot) });
    case 'LoopFound':
      return { ...context, loop: event.data.through };
    case 'LoopOpened': {
      const { loop: _, ...rest } = context;
      // A deletion does not wait for it.
      return context.deletion === null ? unseen(rest) : rest;
    }
    case 'LinkObserved':
      return linkObserved(context, event.time, event.data);
    case 'DriftObserved':
      return driftObserved(context, event.time, event.data);
    case 'LinkCreated': {
      const { slot, mac, farMac } = event.data;
      const known = mac === undefined ? {} : { macs: { mac, ...(farMac === undefined ? {} : { farMac }) } };
      const birth = slot === 'home' ? birthplace(context) : {};
      return {
        ...context,
        endpoints: {},
        unresolved: {},
        ...(context.resolved ? { resolved: {} } : {}),
        ...known,
        ...birth,
      };
    }
    case 'PeerChanged': {
      const { publicKey, endpoint, resolved } = event.data;
      if (endpoint === null) return context;
      const endpoints = { ...context.endpoints, [publicKey]: endpoint };
      const next = { ...context, endpoints, unresolved: without(context.unresolved, publicKey) };
      return resolved === undefined ? next : { ...next, resolved: { ...context.resolved, [publicKey]: resolved } };
    }
    case 'PeerRemoved':
      return { ...context, endpoints: without(context.endpoints, event.data.publicKey) };
    case 'EndpointUnresolved':
      return asking(
        { ...context, unresolved: { ...context.unresolved, [event.data.publicKey]: event.data.endpoint } },
        { type: 'StartTimer', timer: timers.endpoints, milliseconds: endpointRetryMs },
      );
    case 'OperationFailed':
      return operationFailed(context, event.time, event.data);
    case 'StrayLeft':
      return strayLeft(context, event.data);
    case 'StepFailed': {
      const { step, message } = event.data;
      return agentFailed({ ...context, observed: null, asked: unasked }, event.time, step, message);
    }
    case 'TimerElapsed':
      if (event.data.timer === timers.endpoints) return { ...context, unresolved: {} };
      if (event.data.timer === timers.addresses) return addressesAwaited(context);
      if (event.data.timer === timers.duplicates) return recheckElapsed(context);
      if (event.data.timer === timers.pause) return pauseElapsed(context, event.time);
      return context.failure?.until ? unseen({ ...context, failure: null, stuck: 0 }) : context;
    case 'AgentStarted': {
      const pause = isOver(context, event.time) ? null : context.paused;
      const { loop: _, ...known } = retryingStrays(unchecked(over(context)));
      const next = {
        ...known,
        ...agentStarted(context),
        paused: pause,
        missing: {},
        places: {},
        taken: {},
        unresolved: {},
        failure: null,
        attempts: 0,
        stuck: 0,
        observed: null,
        asked: unasked,
      };
      return alsoAsking(next, timing(pause, event.time));
    }
    case 'ResyncRequested':
      return unseen({ ...retryingStrays(context), failure: null, attempts: 0, stuck: 0 });
    case 'Paused':
      // A deletion continues.
      if (context.deletion !== null) return context;
      return alsoAsking(...pausedBy(context, event.time, event.data));
    case 'Resumed':
      return unseen(alsoAsking(...resumedFrom(context)));
    // An event type of a later version: it stays in the log and is ignored here.
    default:
    // Stryker disable StringLiteral: these are named only so that a new event is not forgotten here.
    case 'DesiredRefused':
    case 'JournalWentBack':
    case 'LinkAdopted':
    case 'LinkChanged':
    case 'LinkMoved':
    case 'LinkRemoved':
    case 'AddressAdded':
    case 'AddressRemoved':
    case 'SlaveAttached':
    case 'SlaveReleased':
    case 'WireGuardChanged':
      return context;
  }
}

/**
 * The kernel took all operations and still differs: back off instead of retrying for ever, and stop retrying if the previous attempt
 * ended the same way and nothing else has happened. If the kernel matched the spec once, another program reverts it before it is observed.
 * @param work what was to be done
 * @returns null while it is still retried
 */
export function notConverging(
  context: Context,
  time: string,
  work: Work,
  drift: () => readonly Drift[],
): Context | null {
  if (context.stuck < patience) return null;
  // In a fight that goes on after a wait there is no new drift: the kernel is as the other program left it.
  const fought = isFought(context, time) ? work.fields.join(', ') : undefined;
  const undone = context.settled ? (context.drifts.at(-1)?.fields ?? fought) : undefined;
  const next = { ...context, stuck: 0 };
  if (undone !== undefined) return contested(next, time, undone, null);
  const again = context.attempts >= patience && context.deletion === null;
  return failed(next, time, { code: 'NotConverging', work, drift: drift().slice(0, mostTold) }, again);
}
