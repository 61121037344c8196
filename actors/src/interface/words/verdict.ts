import type { ContainerSelector, KernelOperation, Reach, Slot, State } from '@ifactor/crds';
import {
  driftWords,
  loopText,
  lostNetnsWords,
  missingSecretWords,
  operationWords,
  secretParams,
  secretText,
  strayText,
} from '@ifactor/crds/words';
import { rulesOf } from '../kind/index.ts';
import type { Context, Failure } from '../machine/context.ts';
import { addressCheckMs, tentativeIn } from '../machine/addressCheck.ts';
import type { Trial } from '../machine/confirm.ts';
import { differenceOf, rulesIn } from '../machine/difference.ts';
import { straysLeft } from '../machine/stray.ts';
import type { Because, Verdict, Work } from '../machine/verdict.ts';
import { conflictWords, waitingWords } from './need.ts';

/** The verdict as a condition states it. */
export const describeVerdict = (context: Context): { state: State; reason: string; message: string } => ({
  state: context.verdict.state,
  reason: context.verdict.reason,
  message: verdictWords(context),
});

/** Why an actor is in its state, in a sentence: used by the Ready condition, `describe` and the inspector. */
export function verdictWords(context: Context): string {
  const { verdict } = context;
  switch (verdict.finding) {
    case 'nothingDeclared':
      return 'no spec has arrived yet';
    case 'lookupsAsked':
    case 'lookedUpAgain':
    case 'retryDue':
      return lookingWords(verdict);
    case 'secretMissing':
      return missingWords(context, verdict.params.ref);
    case 'placeLost':
      return lostWords(context, verdict.params.slot);
    case 'nameTaken':
      return 'by' in verdict.params
        ? claimWords(verdict.params)
        : conflictWords({ reason: 'NameConflict', params: verdict.params });
    case 'deviceMissing':
      return 'through' in verdict.params
        ? `depends on itself: ${loopText(verdict.params.through)}; change the device or the slaves of one of them`
        : verdict.params.waiting.map(waitingWords).join('; ');
    case 'needsMet':
      return anewWords(verdict.params) ?? `configuring ${verdict.params.fields.join(', ')}`;
    case 'changesWithheld':
      if (verdict.reason === 'Paused') return pausedWords(context, verdict.params.fields);
      return withheldWords(verdict.params);
    case 'kernelDiffers':
      if (verdict.reason === 'WouldChange') return withheldWords(verdict.params);
      return anewWords(verdict.params) ?? `repairing ${verdict.params.fields.join(', ')}`;
    case 'operationsDone':
    case 'operationsDoneInNetns':
      return `${doneWords(context, verdict)}${noteWords(context)}`;
    case 'specRefused':
      return problemWords(context);
    case 'operationRefused':
      return failureWords(context.failure);
    case 'nothingToRollBackTo':
      return rollbackWords(context);
    case 'deletionAsked':
      return deletionWords(context, verdict);
    case 'linksGone':
      return `removed from the kernel${noteWords(context)}`;
    case 'paused':
      return pausedWords(context, verdict.params.fields);
  }
}

/** The operations that `spec.mode: Observe` withholds. */
function withheldWords({ operations, more }: { operations: readonly KernelOperation[]; more: number }): string {
  const rest = more === 0 ? '' : ` and ${more} more`;
  return `spec.mode is Observe, so nothing is changed; would ${operations.map(operationWords).join(', ')}${rest}`;
}

function lookingWords(looking: Extract<Verdict, { finding: 'lookupsAsked' | 'lookedUpAgain' | 'retryDue' }>): string {
  switch (looking.reason) {
    case 'WaitingForSecret':
      return `waiting for ${looking.params.refs.map(secretText).join(', ')}`;
    case 'WaitingForNetns':
      return `looking up the netns of ${looking.params.slots.join(', ')}`;
    case 'Observing':
      return `reading the kernel (${looking.params.slots.join(', ')})`;
    case 'Confirming':
      return 'checking what the node reaches before the change';
  }
}

export const missingWords = ({ missing, spec, key }: Context, ref: string): string =>
  missingSecretWords(missing[ref] ?? 'Unknown', ref, secretParams(ref, spec, key.namespace));

/** Why a slot does not resolve to a netns. */
export function lostWords(context: Context, slot: Slot): string {
  const place = context.places[slot];
  const reason = place && 'reason' in place ? place.reason : 'Unknown';
  return lostNetnsWords(reason, { selector: selectorOf(context, slot) });
}

function selectorOf(context: Context, slot: Slot): ContainerSelector | null {
  const rules = rulesIn(context);
  if (rules === null || context.spec === null) return null;
  return rules.places(context.spec).find((place) => place.slot === slot)?.container ?? null;
}

function claimWords({ name, by, removed }: { name: string; by: string; removed: readonly string[] }): string {
  const room = removed.length === 0 ? '' : `; removing ${removed.join(', ')}`;
  return `${name} in this netns is claimed by ${by}, which is older; choose another interfaceName or delete that one${room}`;
}

/** Names the links that are recreated; null: no link is. */
function anewWords({ anew }: Work): string | null {
  if (anew.length === 0) return null;
  return anew
    .map(({ name, fields }) => `recreating ${name}: ${fields.join(', ')} cannot be changed on an existing link`)
    .join('; ');
}

type Done = Extract<Verdict, { finding: 'operationsDone' | 'operationsDoneInNetns' }>;

function addressWords({ recheck }: Context, { reason, params }: Extract<Done, { params: object }>): string {
  const list = params.addresses.join(', ');
  if (reason === 'AddressTentative') return `waiting until the kernel has checked ${list} for duplicates`;
  const next =
    recheck === undefined ? '' : recheck.at === null ? ' (checking again)' : ` (checked again at ${recheck.at})`;
  return `another host on this link has ${list}, so the kernel does not use it here${next}: change the address, or remove it there`;
}

function doneWords(context: Context, verdict: Done): string {
  const { finding, reason } = verdict;
  const place =
    finding === 'operationsDone' ? "in the node's netns, as declared" : "in its container's netns, as declared";
  const trial = context.confirm?.trial;
  if ('params' in verdict) return `${place}; ${addressWords(context, verdict)}`;
  if (reason === 'RolledBack') return rollbackWords(context);
  if (reason !== 'Confirming' || !trial || trial.since === null) return place;
  return `${place}; ${proofWords(trial, trial.since, context.spec)}`;
}

const reachNames: { readonly [R in Reach]: string } = { nats: 'NATS', probe: 'the probe' };

const reachWords = (list: readonly Reach[], probe: string | undefined): string =>
  list
    .map((reach) => (reach === 'probe' && probe !== undefined ? `the probe ${probe}` : reachNames[reach]))
    .join(' and ');

/** What a change under trial waits for. */
function proofWords({ watched }: Trial, since: string, spec: Context['spec']): string {
  const { timeoutSeconds = 0, probe } = spec?.confirm ?? {};
  if (watched.length === 0) return 'neither NATS nor a probe was reached before the change, so it is confirmed';
  const until = new Date(Date.parse(since) + timeoutSeconds * 1000).toISOString();
  return `confirmed at ${until} if the node still reaches ${reachWords(watched, probe)}, else rolled back`;
}

function rollbackWords({ confirm }: Context): string {
  const rolledBack = confirm?.rolledBack;
  if (!rolledBack) return 'rolled back';
  const { generation, to, lost, seconds, spec, found } = rolledBack;
  const what =
    lost.length === 0
      ? `generation ${generation} was not confirmed`
      : `generation ${generation} made the node lose ${reachWords(lost, spec.confirm?.probe)} for ${seconds} s`;
  const next = 'change the spec to try again';
  if (to !== null) return `${what}; rolled back to generation ${to}, which stays in force: ${next}`;
  const nothing = `${what}; there is no earlier spec to roll back to`;
  if (found) return `${nothing}, and the link was there before ifactor, so it is left as it is: ${next}`;
  return `${nothing}, so its links are removed: ${next}`;
}

/** Problems that do not affect health, and that a user should know. */
function noteWords(context: Context): string {
  const unchecked = tentativeIn(context);
  const parts = [
    ...(context.hold?.mode === 'Observe' ? ['spec.mode is Observe: nothing would be changed'] : []),
    ...Object.keys(context.missing).map((ref) => `${missingWords(context, ref)}; the key in use stays`),
    ...(unchecked.length > 0 && context.addressCheck === 'over'
      ? [`after ${addressCheckMs / 1000} s the kernel has still not checked ${unchecked.join(', ')} for duplicates`]
      : []),
    ...straysLeft(context).map(strayText),
    ...Object.values(context.unresolved).map((endpoint) => `${endpoint} has no address now; retrying`),
  ];
  return parts.length === 0 ? '' : ` (${parts.join('; ')})`;
}

/** How the declared spec breaks its schema. */
function problemWords({ key, refused }: Context): string {
  const read = rulesOf(key, refused?.spec);
  return 'problem' in read ? read.problem : 'spec was refused by an earlier version';
}

/** The most differences that are listed with their values. */
const mostTold = 4;

export function failureWords(failure: Failure | null): string {
  if (failure === null) return 'an operation failed';
  const { until } = failure;
  return `${causeWords(failure)}${until === null ? '' : `; retrying at ${until}`}`;
}

function causeWords(failure: Failure): string {
  switch (failure.code) {
    case 'Refused':
      return failure.text;
    case 'InternalError':
      return `the agent failed to ${failure.step}: ${failure.text}`;
    case 'Contested': {
      const { fields, times } = failure;
      const often = times === null ? ' as soon as it is set' : `: ${times} times within a minute`;
      return `another program on this node undoes ${fields}${often}; find the program that changes it, or change the spec`;
    }
    case 'NotConverging': {
      const what = driftWords(failure.drift) || failure.work.fields.join(', ');
      return `the kernel does not keep what is set: ${what}; change the spec, or see ifactor events for what was tried`;
    }
  }
}

function deletionWords(context: Context, verdict: Extract<Because, { finding: 'deletionAsked' }>): string {
  if (!('params' in verdict)) return `cannot be removed: ${failureWords(context.failure)}`;
  const { params } = verdict;
  if ('slot' in params) return `${lostWords(context, params.slot)}; its links are removed when it is back`;
  if (params.step === 'places') return 'looking up the netns of the interface';
  return params.step === 'look' ? 'reading the kernel for links to remove' : `removing ${params.names.join(', ')}`;
}

/** Who paused the actor, since when, until when and why; and what differs meanwhile. */
function pausedWords(context: Context, fields: readonly string[] | null): string {
  const { paused, hold } = context;
  const who = paused === null ? `by spec.mode${hold ? ` since ${hold.since}` : ''}` : pauseWords(paused);
  const how = fields?.length === 0 ? 'the kernel is as declared' : differenceWords(context, fields);
  const end =
    paused === null
      ? 'nothing is changed before spec.mode is Manage again'
      : `nothing is changed before ${paused.until === undefined ? 'it is resumed' : 'then'} (ifactor resume)`;
  return `paused ${who}; ${how}; ${end}`;
}

function pauseWords({ by, since, until, reason }: NonNullable<Context['paused']>): string {
  const end = until === undefined ? '' : ` until ${until}`;
  return `by ${by} since ${since}${end}${reason === undefined ? '' : ` (${reason})`}`;
}

/** How the kernel differs from the spec. `fields` null: the kernel has not been observed. */
function differenceWords(context: Context, fields: readonly string[] | null): string {
  const lost = (Object.keys(context.places) as Slot[]).find((slot) => 'reason' in (context.places[slot] ?? {}));
  if (lost !== undefined) return lostWords(context, lost);
  if (fields === null) return 'the kernel has not been read since';
  const rules = rulesIn(context);
  const difference = rules && differenceOf(context, rules);
  const drift = difference?.drift ?? [];
  const found = [
    ...(difference?.conflict ? [conflictWords(difference.conflict)] : []),
    ...(drift.length > 0 ? [driftWords(drift.slice(0, mostTold))] : []),
    ...(difference?.waiting.map(waitingWords) ?? []),
  ];
  return `the kernel differs: ${found.join('; ') || fields.join(', ')}`;
}
