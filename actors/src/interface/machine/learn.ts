import type { Drift, InterfaceEvent, Operation } from '@ifactor/crds';
import { unusableAddresses } from './addressCheck.ts';
import { confirmed } from './confirm.ts';
import type { Context } from './context.ts';
import { decide } from './decide.ts';
import type { Decision } from './decision.ts';
import { differenceOf, rulesIn } from './difference.ts';
import { agentFailed, evolve, isFought, notConverging, textOf } from './evolve.ts';
import { findings, isHealthy } from './verdict.ts';
import type { Because, Verdict, Work } from './verdict.ts';

/** With these an interface that is as declared cannot be used, or is not what was asked for. */
const unready: ReadonlySet<string> = new Set(['RolledBack', 'AddressTentative', 'AddressDuplicate']);

/** Ready is True only of what the kernel was seen to be, for the spec in force. */
function readiness(context: Context, { state, ...because }: Verdict, time: string): Context['ready'] {
  const { ready, settled } = context;
  const status = ((): Context['ready']['status'] => {
    if (because.reason === 'Paused' && 'fields' in because.params) {
      const { fields } = because.params;
      const usable = fields?.length === 0 && unusableAddresses(context) === null;
      return isHealthy(state) && settled && usable ? 'True' : 'Unknown';
    }
    if (!isHealthy(state) || unready.has(because.reason)) return 'False';
    return because.reason === 'Confirming' ? 'Unknown' : 'True';
  })();
  return status === ready.status ? ready : { status, since: time };
}

/** Decides, and backs off if the kernel accepts a change and does not keep it, or if the rules of the kind throw. */
function conclude(context: Context, time: string): { context: Context; decision: Decision } {
  try {
    const decision = decide(context);
    const because = decision.because;
    if (!decision.perform || because === null) return { context, decision };
    const tired = notConverging(context, time, workOf(because), () => driftOf(context));
    return tired ? { context: tired, decision: decide(tired) } : { context, decision };
  } catch (error) {
    const broken = agentFailed(context, time, 'decide', textOf(error));
    return { context: broken, decision: decide(broken) };
  }
}

const workOf = (because: Because): Work =>
  'params' in because && 'fields' in because.params && 'anew' in because.params
    ? because.params
    : { fields: [], anew: [] };

function driftOf(context: Context): readonly Drift[] {
  const rules = rulesIn(context);
  return (rules && differenceOf(context, rules)?.drift) ?? [];
}

/** What follows from what is known after an event, and what is asked of the runner. */
export function respond(known: Context, event: InterfaceEvent): Context {
  const { context, decision } = conclude(known, event.time);
  const { because } = decision;
  const operations: Operation[] = context.due ? [...context.due, ...decision.operations] : [...decision.operations];
  const next: Context = { ...context, operations };
  if (next.due) delete next.due;
  if (decision.perform) {
    next.round = context.round + 1;
    next.running = `round-${next.round}`;
    if (next.recheck?.due && because === null) next.recheck = { ...next.recheck, at: null, due: false };
    operations.push({ type: 'Perform', id: next.running, operations: decision.perform });
  }
  operations.push(...confirmation(context, event));
  next.asked = {
    secrets: context.asked.secrets || operations.some(({ type }) => type === 'ResolveSecrets'),
    places: context.asked.places || operations.some(({ type }) => type === 'ResolveNetns'),
    observe: context.asked.observe || operations.some(({ type }) => type === 'Observe'),
  };
  const { state } = context.verdict;
  next.verdict = because === null ? context.verdict : { state: findings[because.finding] ?? state, ...because };
  next.ready = readiness(next, next.verdict, event.time);
  return settle(next, event.time);
}

/** Remembers that the interface was as declared, and forgets what was tried until then. */
function settle(next: Context, time: string): Context {
  const { state, finding } = next.verdict;
  if (isHealthy(state) && finding !== 'paused' && next.observed !== null) {
    next.settled = true;
    next.attempts = 0;
    next.stuck = 0;
    if (next.fight && !isFought(next, time)) delete next.fight;
  } else if (state === 'pending') next.settled = false;
  const trial = next.confirm?.trial;
  if (!next.confirm || !trial || trial.since !== null) return next;
  // A spec that the kernel already matches needs no confirmation.
  if (next.settled) return confirmed(next);
  const asked = trial.asked || next.operations.some(({ type }) => type === 'BeginConfirm');
  return { ...next, confirm: { ...next.confirm, trial: { ...trial, asked } } };
}

/** A trial is watched from its beginning, and again from the agent's start. */
function confirmation({ confirm, spec }: Context, { type }: InterfaceEvent): Operation[] {
  const trial = confirm?.trial;
  if ((type !== 'ConfirmBegan' && type !== 'AgentStarted') || !trial || trial.since === null || !spec?.confirm)
    return [];
  const { generation, since, watched } = trial;
  const { timeoutSeconds, probe = null } = spec.confirm;
  const to = confirm.proven?.generation ?? null;
  const resumed = type === 'AgentStarted';
  return [{ type: 'AwaitConfirm', generation, since, timeoutSeconds, watched, probe, to, resumed }];
}

/** One step of an actor: what it knows after an event, what it decides, and what it asks of its runner. Pure. */
export const learn = (context: Context, event: InterfaceEvent): Context => respond(evolve(context, event), event);
