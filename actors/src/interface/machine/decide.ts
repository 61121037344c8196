import type { KernelOperation, Operation, Slot } from '@ifactor/crds';
import { driverOf, markOf } from '../kind/index.ts';
import type { Difference, Driver } from '../kind/index.ts';
import { conflictWords, waitingWords } from '../words/need.ts';
import type { Trial } from './confirm.ts';
import type { Context, Verdict } from './context.ts';

/** What follows from what is known: a state with its reasons, and what to ask of the runner. */
export type Decision = Verdict & { operations: Operation[]; perform?: KernelOperation[] };

const verdict = (state: Verdict['state'], reason: string, message: string, operations: Operation[] = []): Decision => ({
  state,
  reason,
  message,
  operations,
});

/** The healthy state: where the interface belongs decides its name. */
function healthy(context: Context, driver: Driver): Decision {
  const spec = context.spec;
  const away = spec !== null && driver.places(spec).some(({ container }) => container !== null);
  const state = away ? 'moved-to-netns' : 'configured';
  const { trial, rolledBack } = context.confirm ?? {};
  if (rolledBack) return verdict(state, 'RolledBack', `${rolledBack.message}${note(context)}`);
  const place = away ? "in its container's netns, as declared" : "in the node's netns, as declared";
  if (trial && trial.since !== null)
    return verdict(state, 'Confirming', `${place}; ${proof(trial, trial.since, spec)}${note(context)}`);
  return verdict(state, away ? 'MovedToNetns' : 'Configured', `${place}${note(context)}`);
}

/** What a change under trial waits for. */
function proof({ watched }: Trial, since: string, spec: Context['spec']): string {
  const { timeoutSeconds = 0, probe } = spec?.confirm ?? {};
  if (watched.length === 0) return 'nothing that it could lose was reached before the change, so it is taken for good';
  const until = new Date(Date.parse(since) + timeoutSeconds * 1000).toISOString();
  const what = watched.map((reach) => (reach === 'nats' ? 'NATS' : `the probe ${probe}`)).join(' and ');
  return `confirmed at ${until} if the node still reaches ${what}, else rolled back`;
}

/** What does not keep the interface from being healthy, but should be known. */
function note({ missing, unresolved }: Context): string {
  const parts = [
    ...Object.values(missing).map(({ message }) => `${message}; the key in use stays`),
    ...Object.values(unresolved).map((endpoint) => `${endpoint} has no address now; it is looked up again`),
  ];
  return parts.length === 0 ? '' : ` (${parts.join('; ')})`;
}

/** While an answer is awaited, a healthy interface stays what it is: asking is no news. */
function meanwhile(context: Context, reason: string, message: string, operations: Operation[]): Decision {
  if (context.settled) return { ...context.verdict, operations };
  const { state } = context.verdict;
  return verdict(
    state === 'pending' || state === 'deleted' || state === 'deleting' ? 'pending' : 'creating',
    reason,
    message,
    operations,
  );
}

/** How the kernel differs from what is wanted, strays included; null while that cannot be told. */
export function differenceOf(context: Context, driver: Driver): Difference | null {
  const { spec, observed, key } = context;
  if (spec === null || observed === null) return null;
  const difference = driver.diff(spec, context, observed);
  if (difference.conflict) return difference;
  const strays = strayRemovals(key, observed);
  const { operations } = difference;
  // What is moved is made at home while its former self still works elsewhere, up to where it needs the other's UDP port.
  const moves = operations.some(({ type }) => type === 'MoveLink');
  const port = moves ? operations.findIndex(({ type }) => type === 'SetWireGuard' || type === 'MoveLink') : 0;
  const drift = observed.strays.map(({ netns, name }) => ({
    field: 'netns',
    wanted: null,
    found: `${name} in netns ${netns}`,
  }));
  return {
    ...difference,
    drift: [...difference.drift, ...drift],
    operations: operations.toSpliced(port, 0, ...strays),
  };
}

/** The driver of a context whose spec has passed its schema. */
export function driverIn(context: Context): Driver | null {
  const found = context.spec === null ? null : driverOf(context.key, context.spec);
  return found === null || 'problem' in found ? null : found.driver;
}

/** Takes every link of the actor away. `busy` is what it is meanwhile, `done` once all are gone. */
function decideRemoval(
  context: Context,
  driver: Driver | null,
  busy: Pick<Verdict, 'state' | 'reason'>,
  done: Decision,
): Decision {
  const { spec, places, observed, asked } = context;
  if (spec === null || driver === null) return done;
  const slots = driver.places(spec).map(({ slot }) => slot);
  const unknown = slots.filter((slot) => places[slot] === undefined);
  if (unknown.length > 0) {
    const operations: Operation[] = asked.places ? [] : [{ type: 'ResolveNetns', slots: unknown }];
    return verdict(busy.state, busy.reason, 'looks for the netns of the interface', operations);
  }
  // A netns that is gone took its links with it.
  if (!slots.some((slot) => 'netns' in (places[slot] ?? {}))) return done;
  if (observed === null) {
    return verdict(busy.state, busy.reason, 'looks for what to remove', asked.observe ? [] : [{ type: 'Observe' }]);
  }
  const perform = removals(context, slots);
  if (perform.length === 0) return done;
  const names = perform.map(({ name }) => name).join(', ');
  return { ...verdict(busy.state, busy.reason, `removes ${names}`), perform };
}

const decideDeletion = (context: Context, driver: Driver | null): Decision =>
  decideRemoval(
    context,
    driver,
    { state: 'deleting', reason: 'Deleting' },
    verdict('deleted', 'Deleted', 'gone from the kernel'),
  );

/** What has to be known or at hand before the kernel can be compared; null: everything is. */
function decideNeeds(context: Context, driver: Driver): Decision | null {
  const { spec, secrets, missing, places, taken, asked } = context;
  if (spec === null) return null;
  const refs = driver.secrets(spec).filter((ref) => secrets[ref] === undefined);
  for (const ref of refs) {
    const reason = missing[ref];
    if (reason) return verdict('pending', reason.reason, reason.message);
  }
  if (refs.length > 0) {
    const operations: Operation[] = asked.secrets ? [] : [{ type: 'ResolveSecrets', refs }];
    return meanwhile(context, 'WaitingForSecret', `waits for ${refs.join(', ')}`, operations);
  }
  const slots = driver.places(spec).map(({ slot }) => slot);
  const unknown = slots.filter((slot) => places[slot] === undefined);
  if (unknown.length > 0) {
    const operations: Operation[] = asked.places ? [] : [{ type: 'ResolveNetns', slots: unknown }];
    return meanwhile(context, 'WaitingForNetns', `looks for the netns of ${unknown.join(', ')}`, operations);
  }
  for (const slot of slots) {
    const place = places[slot];
    if (place && 'reason' in place) return verdict('pending', place.reason, place.message);
  }
  const [claim] = Object.values(taken);
  return claim ? decideTaken(context, slots, claim) : null;
}

/** An older resource has the name: a link of ours under it makes room. */
function decideTaken(context: Context, slots: Slot[], claim: { name: string; by: string }): Decision {
  const message = `${claim.name} in this netns is claimed by ${claim.by}, which is older; choose another interfaceName or delete that one`;
  const conflict = verdict('pending', 'NameConflict', message);
  if (context.observed === null) return { ...conflict, operations: context.asked.observe ? [] : [{ type: 'Observe' }] };
  const perform = removals(context, slots);
  return perform.length === 0 ? conflict : { ...conflict, perform };
}

/** Takes away every link of ours, and no other. */
function removals({ key, observed }: Context, slots: Slot[]): KernelOperation[] {
  const mark = markOf(key);
  const links = slots.flatMap((slot): KernelOperation[] => {
    const link = observed?.links[slot];
    if (link?.alias !== markOf(key, slot === 'peer' ? 'peer' : 'near')) return [];
    return [{ type: 'RemoveLink', slot, name: link.name, index: link.index, mark }];
  });
  return [...links, ...strayRemovals(key, observed)];
}

const strayRemovals = (key: Context['key'], observed: Context['observed']): KernelOperation[] =>
  (observed?.strays ?? []).map(({ netns, index, name }) => ({
    type: 'RemoveStray',
    netns,
    name,
    index,
    mark: markOf(key),
  }));

const names = (slots: Slot[]): string => slots.join(', ');

/** Says so where links are made anew. */
function anewIn(operations: readonly KernelOperation[]): string | null {
  const gone = operations.flatMap((operation) =>
    operation.type === 'RemoveLink' && operation.anew ? [{ ...operation, anew: operation.anew }] : [],
  );
  if (gone.length === 0) return null;
  return gone
    .map(({ name, anew }) => `makes ${name} anew, since ${anew.join(', ')} cannot be changed on a link that exists`)
    .join('; ');
}

/** Before a change under trial is made, it is found out what it can lose. */
function decideBegin(context: Context, { generation, asked }: Trial): Decision {
  const { timeoutSeconds = 0, probe = null } = context.spec?.confirm ?? {};
  const operations: Operation[] = asked ? [] : [{ type: 'BeginConfirm', generation, timeoutSeconds, probe }];
  return meanwhile(context, 'Confirming', 'finds out what the node reaches before the change', operations);
}

/** Pure: the same context always gives the same decision. */
export function decide(context: Context): Decision {
  const driver = driverIn(context);
  if (context.paused !== null) {
    return {
      ...context.verdict,
      reason: 'Paused',
      message: `paused by ${context.paused}; resume with the agent's service`,
      operations: [],
    };
  }
  if (context.running !== null) return { ...context.verdict, operations: [] };
  if (context.failure !== null) {
    const { code, message, until } = context.failure;
    const reason =
      code === 'EOPNOTSUPP'
        ? 'KernelUnsupported'
        : code === 'Contested' || code === 'InternalError'
          ? code
          : 'OperationFailed';
    return verdict('failed', reason, `${message}${until === null ? '' : `; tried again at ${until}`}`);
  }
  if (context.deletion !== null) return decideDeletion(context, driver);
  if (context.problem !== null) return verdict('failed', 'InvalidSpec', context.problem);
  if (context.spec === null || driver === null) return verdict('pending', 'Unknown', 'no spec has arrived yet');
  const { trial, rolledBack } = context.confirm ?? {};
  if (rolledBack && rolledBack.to === null) {
    const done = verdict('failed', 'RolledBack', rolledBack.message);
    return rolledBack.found ? done : decideRemoval(context, driver, done, done);
  }
  const need = decideNeeds(context, driver);
  if (need) return need;
  if (context.observed === null) {
    const slots = driver.places(context.spec).map(({ slot }) => slot);
    const operations: Operation[] = context.asked.observe ? [] : [{ type: 'Observe' }];
    return meanwhile(context, 'Observing', `looks at the kernel (${names(slots)})`, operations);
  }
  const difference = differenceOf(context, driver);
  if (difference === null) return verdict('pending', 'Unknown', 'nothing is known of the kernel yet');
  const { conflict, waiting, operations, drift } = difference;
  if (conflict) return verdict('pending', conflict.reason, conflictWords(conflict));
  if (operations.length > 0 && trial?.since === null) return decideBegin(context, trial);
  if (operations.length > 0) {
    const fields = [...new Set(drift.map(({ field }) => field))].join(', ');
    const anew = anewIn(operations);
    const words = anew ?? (context.settled ? `repairs ${fields}` : `brings the kernel to what is declared: ${fields}`);
    return {
      ...(context.settled ? verdict('drifted', 'Drifted', words) : verdict('creating', 'Creating', words)),
      perform: operations,
    };
  }
  const [first] = waiting;
  if (first) return verdict('pending', first.reason, waiting.map(waitingWords).join('; '));
  return healthy(context, driver);
}
