import { arrows, differenceOf, rulesIn, lostWords, missingWords, verdictWords, waitingWords } from '@ifactor/actors';
import type { Context, Snapshot } from '@ifactor/actors';
import { UsageError } from '@ifactor/common';
import type { Condition, Slot, State } from '@ifactor/crds';
import { eventWords, isOutcome, operationWords } from '@ifactor/crds/words';
import { infoOf } from './actor.ts';
import { fieldRowsOf } from './fields.ts';
import type { EventLog } from './log.ts';
import type { ActorDetail, ActorId, Tried } from '../protocol.ts';
import { rank } from './track.ts';
import type { Track } from './track.ts';

/** Maximum number of operations shown, and of events searched for them. */
const told = 20;
const looked = 400;

/**
 * All that is known of an actor at a position.
 * @throws UsageError where the log has no such actor, or the actor did not exist yet at that moment
 */
export function detailOf(log: EventLog, id: ActorId, at: number | null): ActorDetail {
  const track = log.tracks.get(id);
  if (!track) throw new UsageError(`the log holds no actor ${id}`);
  const position = at ?? log.total;
  const found = track.at(position, (number) => log.event(number));
  const state = log.stateOf(track, position);
  if (!found || state === undefined)
    throw new UsageError(
      `${id} did not exist yet at that moment; its first event is number ${track.positions[0] ?? 0}`,
    );
  const { context } = found.snapshot;
  return {
    ...infoOf({ id, node: track.node, key: track.key, snapshot: found.snapshot }),
    at,
    state,
    reason: context.verdict.reason,
    message: verdictWords(context),
    waiting: waitingOf(found.snapshot),
    conditions: conditionsOf(context),
    fields: fieldRowsOf(context),
    tried: triedOf(log, track, position),
    transitions: transitionsOf(log, track, position),
    next: arrows.flatMap(({ from, to, guards }) => (from === state ? [{ to, guards }] : [])),
    first: track.positions[0] ?? 0,
    last: track.positions.at(-1) ?? 0,
    events: track.before.events + rank(track.positions, position),
  };
}

/** What the actor waits for, in words. */
function waitingOf({ context }: Snapshot): string[] {
  const { missing, places, taken, unresolved, running, observed, spec, deletion } = context;
  const words = Object.keys(missing).map((ref) => missingWords(context, ref));
  for (const [slot, place] of Object.entries(places))
    if ('reason' in place) words.push(lostWords(context, slot as Slot));
  for (const { name, by } of Object.values(taken)) words.push(`the name ${name}, which ${by} has`);
  for (const endpoint of Object.values(unresolved)) words.push(`an address of ${endpoint}`);
  const rules = rulesIn(context);
  if (rules && spec !== null && observed !== null && deletion === null)
    words.push(...(differenceOf(context, rules)?.waiting ?? []).map(waitingWords));
  if (running !== null) words.push('the kernel, which is being changed');
  return [...new Set(words)];
}

function conditionsOf(context: Context): Condition[] {
  const { desired, ready, verdict } = context;
  if (desired === null) return [];
  return [
    {
      type: 'Ready',
      status: ready.status,
      lastTransitionTime: ready.since,
      reason: verdict.reason,
      message: verdictWords(context),
      observedGeneration: desired.generation,
    },
  ];
}

/** The last operations, newest first. */
function triedOf(log: EventLog, { lived }: Track, at: number): Tried[] {
  const tried: Tried[] = [];
  const end = rank(lived, at);
  for (let index = end - 1; index >= Math.max(0, end - looked) && tried.length < told; index--) {
    const position = lived[index] ?? 0;
    const event = log.event(position);
    const { time } = event;
    if (event.type === 'OperationFailed') {
      const { operation, code, message } = event.data;
      tried.push({ position, time, operation: operationWords(operation), answer: `${code}: ${message}`, failed: true });
      continue;
    }
    if (isOutcome(event)) tried.push({ position, time, operation: eventWords(event), answer: 'done', failed: false });
  }
  return tried;
}

function transitionsOf(log: EventLog, { lived, before }: Track, at: number): ActorDetail['transitions'] {
  const counts = new Map<string, { from: State; to: State; count: number }>();
  let from: State = before.state ?? 'pending';
  const end = rank(lived, at);
  for (let index = 0; index < end; index++) {
    const to = log.stateAfter(lived[index] ?? 0);
    if (to === from) continue;
    const name = `${from} ${to}`;
    const known = counts.get(name);
    if (known) known.count++;
    else counts.set(name, { from, to, count: 1 });
    from = to;
  }
  return [...counts.values()];
}
