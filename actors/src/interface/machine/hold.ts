import type { EventData, InterfaceSpec, KernelOperation, Operation } from '@ifactor/crds';
import { withoutUndefined } from '../diff/withoutUndefined.ts';
import { timers } from './context.ts';
import type { Context } from './context.ts';
import { decided } from './decision.ts';
import type { Decision } from './decision.ts';

/** What `spec.mode` says, where it is not Manage, and since when. */
export type ModeHold = { mode: 'Observe' | 'Paused'; since: string };

/** A pause that a person asked the agent for. `until`: when the actor resumes by itself; absent: not before it is asked to. */
export type Pause = { by: string; since: string; reason?: string; until?: string };

/** A longer pause is timed in several steps: timers of a runtime have a bound. */
const longestTimerMs = 12 * 3600 * 1000;
/** The most pending operations that are listed. */
const mostTold = 20;

/** Nothing is done to the kernel, and the interface keeps its state. */
export const isPaused = ({ paused, hold }: Context): boolean => paused !== null || hold?.mode === 'Paused';

/** The hold of a spec; one that the former spec had already goes on. */
export function holdAfter(
  before: ModeHold | undefined,
  { mode = 'Manage' }: InterfaceSpec,
  time: string,
): ModeHold | undefined {
  if (mode === 'Manage') return undefined;
  return before?.mode === mode ? before : { mode, since: time };
}

export function pausedBy(context: Context, time: string, data: EventData['Paused']): [Context, Operation[]] {
  const { by, reason, until } = data;
  const pause: Pause = { by, since: time, ...withoutUndefined({ reason, until }) };
  return [{ ...context, paused: pause }, [...stopped(context), ...timing(pause, time)]];
}

export const resumedFrom = (context: Context): [Context, Operation[]] => [
  { ...context, paused: null },
  stopped(context),
];

/** Whether a pause is over at this time. */
export const isOver = ({ paused: pause }: Context, time: string): boolean =>
  pause?.until !== undefined && Date.parse(pause.until) <= Date.parse(time);

/** Waits for the end of a pause, if it has one. */
export function timing(pause: Pause | null, time: string): Operation[] {
  if (pause?.until === undefined) return [];
  const milliseconds = Math.max(0, Math.min(longestTimerMs, Date.parse(pause.until) - Date.parse(time)));
  return [{ type: 'StartTimer', timer: timers.pause, milliseconds }];
}

const stopped = ({ paused: pause }: Context): Operation[] =>
  pause?.until === undefined ? [] : [{ type: 'StopTimer', timer: timers.pause }];

/** With `spec.mode: Observe`: operations are reported and not performed. */
export function withheld({ settled }: Context, operations: readonly KernelOperation[]): Decision {
  const params = { operations: operations.slice(0, mostTold), more: Math.max(0, operations.length - mostTold) };
  return decided({ finding: settled ? 'kernelDiffers' : 'changesWithheld', reason: 'WouldChange', params });
}
