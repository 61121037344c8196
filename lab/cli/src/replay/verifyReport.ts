import { printable, sleep, systemClock } from '@ifactor/common';
import type { StatusMessage } from '@ifactor/crds';
import pc from 'picocolors';
import { actorOf, originOf, replayAll } from '../log/lives.ts';
import { selectsEvent } from '../log/selector.ts';
import type { Selector } from '../log/selector.ts';
import type { LogSource } from '../log/source.ts';
import { Check, Continuity } from './verify.ts';
import type { Fault, FoldVerdict } from './verify.ts';

/** Maximum number of times the log is read, as it may lag behind the statuses of the agents. */
const tries = 10;
const retryEveryMs = 500;

type Read = { verdicts: Map<string, FoldVerdict>; faults: Fault[] };

const colours = { equal: pc.green, differs: pc.red, behind: pc.red, unknown: pc.yellow };

/** Prints what `ifactor replay --verify` finds. @throws Error where a fold differs, or events are missing or doubled */
export async function runVerify(source: LogSource, selector: Selector): Promise<void> {
  const { verdicts, faults } = await verify(source, selector);
  for (let i = 1; i < tries && source.follow; i++) {
    const behind = [...verdicts].filter(([, { result }]) => result === 'behind').map(([actor]) => actor);
    if (behind.length === 0) break;
    await sleep(systemClock, retryEveryMs);
    // If only one actor lags, read only its events again.
    const again =
      behind.length === 1 && behind[0] !== undefined
        ? await verify(source, selectorOf(behind[0]), true)
        : await verify(source, selector);
    for (const [actor, verdict] of again.verdicts) verdicts.set(actor, verdict);
  }
  for (const [actor, { result, why, events }] of verdicts) {
    console.log(
      `${colours[result](result.padEnd(7))} ${printable(actor)}  ${events} events${why === undefined ? '' : `  ${printable(why)}`}`,
    );
  }
  for (const fault of faults)
    console.log(`${pc.red(fault.kind)} in the events of node ${printable(fault.node)}: ${printable(inWords(fault))}`);
  const count = (...results: FoldVerdict['result'][]): number =>
    [...verdicts.values()].filter(({ result }) => results.includes(result)).length;
  const [equal, bad] = [count('equal'), count('differs', 'behind')];
  const rest = verdicts.size - equal - bad;
  const total = [...verdicts.values()].reduce((sum, { events }) => sum + events, 0);
  const numbers = source.selected
    ? 'gaps were not checked, because the log is a selection'
    : `${faults.filter(({ kind }) => kind !== 'lost').length} gaps or doubles`;
  if (verdicts.size === 0) throw new Error('the log holds no events to verify');
  console.log(
    `${equal} of ${verdicts.size} actors equal${rest === 0 ? '' : `, ${rest} unknown`}; ${total} events, ${numbers}`,
  );
  if (bad > 0) throw new Error('the log and the live agents differ');
  if (faults.length > 0) throw new Error('events are missing in the log, or doubled');
}

/**
 * Reads the log once, folding as it comes, and holds each actor's last state only.
 * @param alone reads only the selected actor's events, so that gaps cannot be detected
 */
async function verify(source: LogSource, selector: Selector, alone = false): Promise<Read> {
  const statuses = new Map<string, StatusMessage>();
  for await (const status of source.statuses()) statuses.set(actorOf(originOf(status)), status);
  let checks = new Map<string, Check>();
  let continuity = new Continuity();
  // All of a node's events, to see that no number lacks.
  const wide: Selector = alone ? selector : selector.node === undefined ? {} : { node: selector.node };
  async function* read() {
    for await (const event of source.events(wide)) {
      continuity.see(event);
      yield event;
    }
  }
  const begin = () => {
    checks = new Map();
    continuity = new Continuity();
    return (step: Parameters<Check['see']>[0]): void => {
      const actor = actorOf(step.event);
      let check = checks.get(actor);
      if (!check) checks.set(actor, (check = new Check(statuses.get(actor))));
      check.see(step);
    };
  };
  await replayAll(read, begin, (event) => selectsEvent(selector, event));
  const faults = alone || source.selected ? [] : continuity.faults;
  return { verdicts: new Map([...checks].map(([actor, check]) => [actor, check.verdict()])), faults };
}

const inWords = (fault: Fault): string =>
  fault.kind === 'lost'
    ? `${fault.events} events before ${fault.found}, the first of them at ${fault.since}, could not be stored: the disk was full when the agent ended`
    : `${fault.found} comes after ${fault.after}`;

/** The actor that `actorOf` spelled. */
function selectorOf(actor: string): Selector {
  const [node = '', key = ''] = actor.split(' ');
  const [kind = '', namespace = '', name = ''] = key.split('/');
  return { node, kind, namespace, name };
}
