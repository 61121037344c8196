import type { RecordedEvent, StatusMessage } from '@ifactor/crds';
import pc from 'picocolors';
import { actorOf, placeOf } from './lives.ts';
import { selects } from './selector.ts';
import type { Selector } from './selector.ts';
import type { Source } from './source.ts';
import { Continuity, verifyActor } from './verify.ts';
import type { Verdict } from './verify.ts';

/** The log may lag behind what the agents say of themselves: it is read again so often. */
const tries = 10;

type Read = { verdicts: Verdict[]; continuity: Continuity; events: number };

/** Prints what `ifactor replay --verify` finds. @throws Error where a fold differs, or numbers are missing or doubled */
export async function runVerify(source: Source, selector: Selector): Promise<void> {
  let read = await verify(source, selector);
  for (let i = 1; i < tries && source.follow && read.verdicts.some(({ result }) => result === 'behind'); i++) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    read = await verify(source, selector);
  }
  const { verdicts, continuity, events } = read;
  for (const { actor, result, why, events: count } of verdicts) {
    const mark = { equal: pc.green('equal  '), differs: pc.red('differs'), behind: pc.red('behind '), unknown: pc.yellow('unknown') }[result];
    console.log(`${mark} ${actor}  ${count} events${why === undefined ? '' : `  ${why}`}`);
  }
  for (const { node, after, found, kind } of continuity.faults) console.log(`${pc.red(kind)} in the events of node ${node}: ${found} comes after ${after}`);
  const bad = verdicts.filter(({ result }) => result === 'differs' || result === 'behind').length;
  const equal = verdicts.filter(({ result }) => result === 'equal').length;
  const rest = verdicts.length - bad - equal;
  console.log(
    `${equal} of ${verdicts.length} actors equal${rest === 0 ? '' : `, ${rest} cannot be told`}; ${events} events, ${continuity.faults.length} gaps or doubles`,
  );
  if (verdicts.length === 0) throw new Error('the log holds no events to verify');
  if (bad > 0 || continuity.faults.length > 0) throw new Error('the log and the live agents differ');
}

async function verify(source: Source, selector: Selector): Promise<Read> {
  const statuses = new Map<string, StatusMessage>();
  for await (const status of source.statuses()) statuses.set(actorOf(placeOf(status)), status);
  const continuity = new Continuity();
  const logs = new Map<string, RecordedEvent[]>();
  let events = 0;
  // All of a node's events, to see that no number lacks.
  for await (const event of source.events(selector.node === undefined ? {} : { node: selector.node })) {
    continuity.see(event);
    if (!selects(selector, event)) continue;
    events++;
    const actor = actorOf(event);
    const log = logs.get(actor);
    if (log) log.push(event);
    else logs.set(actor, [event]);
  }
  return { verdicts: [...logs].map(([actor, log]) => verifyActor(log, statuses.get(actor))), continuity, events };
}
