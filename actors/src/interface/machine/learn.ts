import type { InterfaceEvent, Operation, State } from '@ifactor/crds';
import { confirmed } from './confirm.ts';
import { timers } from './context.ts';
import type { Context } from './context.ts';
import { decide } from './decide.ts';
import type { Decision } from './decide.ts';
import { agentFailed, evolve, isFought, notConverging } from './evolve.ts';

/** How long after an endpoint's host name had no address it is looked up again, in milliseconds. */
const endpointRetry = 30_000;

export const healthyStates: readonly State[] = ['configured', 'moved-to-netns'];

const isHealthy = (state: State): boolean => healthyStates.includes(state);

function readiness(before: Context, { state, reason }: Context['verdict'], time: string): Context['ready'] {
  const unproven = reason === 'Confirming' ? 'Unknown' : 'True';
  const status = isHealthy(state) && reason !== 'RolledBack' ? unproven : 'False';
  return status === before.ready.status ? before.ready : { status, since: time };
}

/** What is known after an event, and decided. What a driver throws on the way is a failure of this actor. */
function judged(before: Context, event: InterfaceEvent): { context: Context; decision: Decision } {
  let context = before;
  try {
    context = evolve(before, event);
    return { context, decision: decide(context) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    context = agentFailed({ ...context, running: null }, event.time, `take ${event.type}: ${message}`);
    return { context, decision: decide(context) };
  }
}

/** One step of an actor: what it knows after an event, what it decides, and what it asks of its runner. Pure. */
export function learn(before: Context, event: InterfaceEvent): Context {
  let { context, decision } = judged(before, event);
  if (decision.perform) {
    const tired = notConverging(context, event.time, decision.message);
    if (tired) {
      context = tired;
      decision = decide(context);
    }
  }
  const operations: Operation[] = [...decision.operations];
  const next: Context = { ...context };
  if (decision.perform) {
    next.round = context.round + 1;
    next.running = `round-${next.round}`;
    operations.push({ type: 'Perform', id: next.running, operations: decision.perform });
  }
  const failure = next.failure;
  if (failure?.until && failure !== before.failure) {
    const milliseconds = Date.parse(failure.until) - Date.parse(event.time);
    operations.push({ type: 'StartTimer', timer: timers.retry, milliseconds });
  }
  if (event.type === 'EndpointUnresolved') {
    operations.push({ type: 'StartTimer', timer: timers.endpoints, milliseconds: endpointRetry });
  }
  operations.push(...confirmation(context, event));
  next.asked = {
    secrets: context.asked.secrets || operations.some(({ type }) => type === 'ResolveSecrets'),
    places: context.asked.places || operations.some(({ type }) => type === 'ResolveNetns'),
    observe: context.asked.observe || operations.some(({ type }) => type === 'Observe'),
  };
  const { state, reason, message } = decision;
  next.verdict = { state, reason, message };
  next.ready = readiness(before, next.verdict, event.time);
  next.operations = operations;
  if (isHealthy(state) && context.observed !== null && context.paused === null) {
    next.settled = true;
    next.attempts = 0;
    next.stuck = 0;
    if (next.fight && !isFought(next, event.time)) delete next.fight;
  } else if (state === 'pending') next.settled = false;
  const trial = next.confirm?.trial;
  if (next.confirm && trial && trial.since === null) {
    // A spec that the kernel is equal to already has nothing to prove.
    if (next.settled) return confirmed(next);
    const asked = trial.asked || operations.some(({ type }) => type === 'BeginConfirm');
    next.confirm = { ...next.confirm, trial: { ...trial, asked } };
  }
  return next;
}

/** A trial is watched from its beginning, and again from the agent's start. */
function confirmation({ confirm, spec }: Context, { type }: InterfaceEvent): Operation[] {
  const trial = confirm?.trial;
  if ((type !== 'ConfirmBegan' && type !== 'AgentStarted') || !trial || trial.since === null || !spec?.confirm)
    return [];
  const { generation, since, watched } = trial;
  const { timeoutSeconds, probe = null } = spec.confirm;
  return [
    {
      type: 'AwaitConfirm',
      generation,
      since,
      timeoutSeconds,
      watched,
      probe,
      to: confirm.proven?.generation ?? null,
      resumed: type === 'AgentStarted',
    },
  ];
}
