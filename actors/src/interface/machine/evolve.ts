import { isDeepStrictEqual } from 'node:util';
import type { EventData, InterfaceEvent, Slot } from '@ifactor/crds';
import { driverOf } from '../kind/index.ts';
import { confirmAfter, confirmBegan, confirmed, isPinned, rolledBack, trialOf } from './confirm.ts';
import { initialContext, nothing, timers } from './context.ts';
import type { Context, Failure } from './context.ts';

const second = 1000;
/** The longest wait between two tries, in milliseconds. */
const longestWait = 60 * second;
/** Drift of the same fields this often within a minute is a fight with another program. */
const fight = { times: 10, within: 60 * second };
/** A fight is over when there was none for so long; longer than the longest wait, after which it would go on. */
const calm = 5 * longestWait;
/** Rounds of operations that succeeded and changed nothing, after which the kernel is taken not to agree. */
const patience = 5;
/** Errors that a fresh look explains, such as a link that went away in the middle: no failure the first time. */
const passing = new Set(['ENODEV', 'ENOENT', 'EEXIST', 'ECLOSED', 'ESTALE']);

/** The wait before the next try, in milliseconds. */
export const backOff = (attempts: number): number => Math.min(second * 2 ** (attempts - 1), longestWait);

const later = (time: string, milliseconds: number): string => new Date(Date.parse(time) + milliseconds).toISOString();

/** What is known of the kernel no longer holds: it is looked at again. */
const unseen = (context: Context): Context => ({
  ...context,
  observed: null,
  asked: { ...context.asked, observe: false },
});

function failed(context: Context, time: string, failure: Omit<Failure, 'until'>, forGood = false): Context {
  const attempts = context.attempts + 1;
  return { ...context, attempts, failure: { ...failure, until: forGood ? null : later(time, backOff(attempts)) } };
}

/** The agent itself failed, which is a defect of ifactor: it is contained here, and tried again. */
export const agentFailed = (context: Context, time: string, message: string): Context =>
  failed(context, time, { code: 'InternalError', message: `the agent failed to ${message}`, module: null });

/** Something undoes what is done. Each time in a row it is waited longer, though all is well for a moment in between. */
function contested(context: Context, time: string, code: string, message: string): Context {
  const times = isFought(context, time) ? (context.fight?.times ?? 0) + 1 : 1;
  const attempts = Math.max(context.attempts, times - 1);
  return failed({ ...context, attempts, fight: { times, last: time } }, time, { code, message, module: null });
}

/** Whether another program was fought with lately. */
export const isFought = ({ fight: last }: Context, time: string): boolean =>
  last !== undefined && Date.parse(time) - Date.parse(last.last) < calm;

/** The netns that a changed spec looks for elsewhere are unknown again. */
function placesAfter(context: Context, spec: Context['spec']): Context['places'] {
  const before = context.spec === null ? null : driverOf(context.key, context.spec);
  const after = spec === null ? null : driverOf(context.key, spec);
  if (!before || !after || 'problem' in before || 'problem' in after) return {};
  const old = before.driver.places(before.spec);
  const places: { [S in Slot]?: NonNullable<Context['places'][S]> } = {};
  for (const place of after.driver.places(after.spec)) {
    const known = context.places[place.slot];
    const same = old.some((other) => isDeepStrictEqual(other, place));
    if (known && same) places[place.slot] = known;
  }
  return places;
}

/** Puts another spec in force: what hung on the one before is looked up anew. */
function enforce(context: Context, spec: Context['spec']): Context {
  const { fight: _, ...peaceful } = context;
  return unseen({
    ...peaceful,
    spec,
    places: placesAfter(context, spec),
    asked: { secrets: false, places: false, observe: false },
    taken: nothing,
    unresolved: nothing,
    failure: null,
    attempts: 0,
    stuck: 0,
    drifts: [],
    settled: false,
  });
}

function specChanged(context: Context, data: EventData['SpecChanged']): Context {
  const { spec: raw, ...desired } = data;
  const reborn = context.desired !== null && context.desired.uid !== data.uid;
  const before = reborn ? { ...initialContext(context.key), round: context.round, ready: context.ready } : context;
  const read = driverOf(context.key, raw);
  const spec = 'problem' in read ? null : read.spec;
  const problem = 'problem' in read ? read.problem : null;
  const base = { ...before, desired, deletion: null };
  const declared = before.confirm?.rolledBack?.spec ?? before.spec;
  const same = problem === before.problem && (problem !== null || isDeepStrictEqual(spec, declared));
  // What is declared again after its deletion was said begins from what the kernel shows, though the spec is the same.
  if (before.desired !== null && before.deletion === null && same) return base;
  const confirm = confirmAfter(before, data.generation, spec);
  // Where the new one breaks its schema, the links are still known by the former: they go with the object.
  return enforce({ ...base, problem, ...(confirm ? { confirm } : {}) }, spec ?? before.spec);
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
): Pick<Context, 'listenPort' | 'endpoints' | 'birth'> {
  const { spec } = context;
  let { listenPort, endpoints } = context;
  if (spec === null || !('peers' in spec)) return { listenPort, endpoints };
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
  const next = unseen({ ...context, running: null });
  if (data.code === 'EADDRINUSE') next.listenPort = null;
  if (passing.has(data.code) && context.attempts === 0) return { ...next, attempts: 1 };
  return failed(
    next,
    time,
    { code: data.code, message: data.message, module: data.module ?? null },
    data.code === 'EOPNOTSUPP',
  );
}

function driftObserved(context: Context, time: string, data: EventData['DriftObserved']): Context {
  const fields = [...new Set(data.drift.map(({ field }) => field))].join(', ');
  const since = Date.parse(time) - fight.within;
  const drifts = [...context.drifts.filter((drift) => Date.parse(drift.time) > since), { time, fields }];
  const next: Context = {
    ...context,
    ...observedDevice(context, data.observed),
    observed: data.observed,
    asked: { ...context.asked, observe: false },
    drifts,
  };
  const times = drifts.filter((drift) => drift.fields === fields).length;
  if (times < fight.times) return next;
  const message = `something on this node undoes ${fields}: ${times} times within a minute; find the program that changes it, or change the spec`;
  return contested({ ...unseen(next), drifts: [] }, time, 'Contested', message);
}

/** What a start leaves of secrets and confirmations: those that a rollback brought back stay, a trial goes on. */
function agentStarted({ confirm }: Context): Pick<Context, 'secrets' | 'confirm'> {
  if (!confirm) return { secrets: {} };
  const trial = confirm.trial && { ...confirm.trial, asked: false };
  return { secrets: confirm.rolledBack ? (confirm.proven?.secrets ?? {}) : {}, confirm: { ...confirm, trial } };
}

/** What the actor knows after an event. Late results of operations that are over are no news. */
export function evolve(context: Context, event: InterfaceEvent): Context {
  switch (event.type) {
    case 'SpecChanged':
      return specChanged(context, event.data);
    case 'DeletionRequested':
      if (context.deletion !== null) return { ...context, deletion: event.data };
      return unseen({
        ...context,
        ...(context.confirm ? { confirm: { ...context.confirm, trial: null } } : {}),
        deletion: event.data,
        failure: null,
        attempts: 0,
        paused: null,
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
      const { ref, reason, message } = event.data;
      if (isPinned(context, ref)) return { ...context, asked: { ...context.asked, secrets: false } };
      return {
        ...context,
        missing: { ...context.missing, [ref]: { reason, message } },
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
      const { slot, reason, message } = event.data;
      const next = { ...context, places: { ...context.places, [slot]: { reason, message } }, settled: false };
      return unseen({ ...next, asked: { ...next.asked, places: false }, failure: null });
    }
    case 'NameTaken':
      return {
        ...context,
        taken: { ...context.taken, [event.data.slot]: { name: event.data.name, by: event.data.by } },
      };
    case 'NameFreed':
      return unseen({ ...context, taken: without(context.taken, event.data.slot) });
    case 'LinkObserved': {
      const { observed, operations } = event.data;
      if (operations !== undefined && operations !== context.running) return context;
      const own = operations !== undefined;
      const stuck = own ? context.stuck + 1 : context.stuck;
      const running = own ? null : context.running;
      const asked = { ...context.asked, observe: false };
      return { ...context, ...observedDevice(context, observed), observed, asked, running, stuck };
    }
    case 'DriftObserved':
      return driftObserved(context, event.time, event.data);
    case 'LinkCreated': {
      const { slot, mac, farMac } = event.data;
      const macs = { ...(mac === undefined ? {} : { mac }), ...(farMac === undefined ? {} : { farMac }) };
      const known = mac === undefined ? {} : { macs };
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
      return { ...context, unresolved: { ...context.unresolved, [event.data.publicKey]: event.data.endpoint } };
    case 'OperationFailed':
      return operationFailed(context, event.time, event.data);
    case 'StepFailed': {
      const { step, message } = event.data;
      const asked = { secrets: false, places: false, observe: false };
      return agentFailed({ ...unseen(context), asked, running: null }, event.time, `${step}: ${message}`);
    }
    case 'TimerElapsed':
      if (event.data.timer === timers.endpoints) return { ...context, unresolved: {} };
      return context.failure?.until ? unseen({ ...context, failure: null, stuck: 0 }) : context;
    case 'AgentStarted':
      return unseen({
        ...context,
        ...agentStarted(context),
        missing: {},
        places: {},
        taken: {},
        unresolved: {},
        failure: null,
        attempts: 0,
        stuck: 0,
        running: null,
        asked: { secrets: false, places: false, observe: false },
      });
    case 'ResyncRequested':
      return unseen({ ...context, failure: null, attempts: 0, stuck: 0 });
    case 'Paused':
      return { ...context, paused: event.data.by };
    case 'Resumed':
      return unseen({ ...context, paused: null });
    // An event of a later version than this one: it stays in the log, and says nothing here.
    default:
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
 * The kernel took all operations and still differs: waits instead of trying for ever. What was as declared once is undone by
 * another program, faster than it can be looked at. `what`: in words what was to be done.
 */
export function notConverging(context: Context, time: string, what: string): Context | null {
  if (context.stuck < patience) return null;
  // In a fight that goes on after a wait nothing has drifted: it is as the other left it.
  const fought = isFought(context, time) ? what.replace(/^repairs /, '') : undefined;
  const undone = context.settled ? (context.drifts.at(-1)?.fields ?? fought) : undefined;
  if (undone !== undefined) {
    const message = `something on this node undoes ${undone} as soon as it is set; find the program that changes it, or change the spec`;
    return contested({ ...context, stuck: 0 }, time, 'Contested', message);
  }
  const message = `the kernel does not keep what is set: ${what}; see the agent's events for what was tried`;
  return failed({ ...context, stuck: 0 }, time, { code: 'NotConverging', message, module: null });
}
