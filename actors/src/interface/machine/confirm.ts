import type { EventData, InterfaceSpec, Reach } from '@ifactor/crds';
import { rulesOf } from '../kind/index.ts';
import type { Context } from './context.ts';

/** A spec that worked, and what of the fold belongs to it. */
export type Proven = {
  generation: number;
  spec: InterfaceSpec;
  /** Fingerprints of the secrets it used, by ref. */
  secrets: { [ref: string]: string };
  listenPort: number | null;
};

/** A change that is not confirmed yet. */
export type Trial = {
  generation: number;
  /** Whether the check of what is reachable before the change is in progress. */
  asked: boolean;
  /** Since when the change is in the kernel; null: nothing has been changed yet. */
  since: string | null;
  watched: readonly Reach[];
  /** The links were there before the change: a rollback to nothing must not take them away. */
  found: boolean;
};

/** The declared spec, which was rolled back. */
export type RolledBack = {
  generation: number;
  to: number | null;
  spec: InterfaceSpec;
  /** What was not reached for so many seconds; the probe as the spec named it. */
  lost: readonly Reach[];
  seconds: number;
};

/** What `spec.confirm` adds to what an actor knows; absent as long as no spec of the actor had it. */
export type Confirm = {
  proven: Proven | null;
  trial: Trial | null;
  rolledBack: (RolledBack & { found: boolean }) | null;
};

/** The spec in force, where it has worked; else the one before it that has. */
function provenBy({ key, confirm, settled, spec, desired, secrets, listenPort }: Context): Proven | null {
  if (confirm?.trial || confirm?.rolledBack || !settled || spec === null || desired === null)
    return confirm?.proven ?? null;
  const read = rulesOf(key, spec);
  if ('problem' in read) return confirm?.proven ?? null;
  const used = read.rules
    .secrets(read.spec)
    .flatMap((ref) => (secrets[ref] === undefined ? [] : [[ref, secrets[ref]] as const]));
  return { generation: desired.generation, spec, secrets: Object.fromEntries(used), listenPort };
}

/** What is known of confirmations after the spec changed; `before` is the context of the former spec. */
export function confirmAfter(before: Context, generation: number, spec: InterfaceSpec | null): Confirm | undefined {
  if (!before.confirm && !spec?.confirm) return undefined;
  const trial = spec?.confirm ? { generation, asked: false, since: null, watched: [], found: false } : null;
  return { proven: provenBy(before), trial, rolledBack: null };
}

/** The trial that an event is about; null where it is over, or another's. */
export const trialOf = ({ confirm }: Context, generation: number): Trial | null =>
  confirm?.trial?.generation === generation ? confirm.trial : null;

export function confirmBegan(
  context: Context,
  time: string,
  { generation, watched }: EventData['ConfirmBegan'],
): Context {
  const trial = trialOf(context, generation);
  if (!trial || !context.confirm || trial.since !== null) return context;
  const { observed } = context;
  // Unknown at this moment: assume that the change created no link.
  const found = observed === null || Object.values(observed.links).some((link) => link !== null);
  return { ...context, confirm: { ...context.confirm, trial: { ...trial, since: time, watched, found } } };
}

/** The trial is over and the spec stays: as one that worked, where it is what the kernel shows. */
export function confirmed(context: Context): Context {
  const { confirm } = context;
  if (!confirm?.trial) return context;
  const proven = provenBy({ ...context, confirm: { ...confirm, trial: null } });
  return { ...context, confirm: { ...confirm, trial: null, proven } };
}

/** The trial failed: what is known, and the spec that is in force from now on; null: none, the links go. */
export function rolledBack(
  context: Context,
  data: EventData['SpecRolledBack'],
): { context: Context; spec: InterfaceSpec | null } | null {
  const { confirm, spec } = context;
  const trial = trialOf(context, data.generation);
  if (!confirm || !trial || spec === null) return null;
  const { proven } = confirm;
  const { generation, lost, seconds } = data;
  const to = proven?.generation ?? null;
  const after = { ...confirm, trial: null, rolledBack: { generation, to, spec, lost, seconds, found: trial.found } };
  if (!proven) return { context: { ...context, confirm: after }, spec: null };
  const { listenPort } = proven;
  return {
    context: { ...context, confirm: after, listenPort, secrets: { ...context.secrets, ...proven.secrets } },
    spec: proven.spec,
  };
}

/** Whether a secret keeps the value it had for the spec that was rolled back to, whatever is delivered for the declared one. */
export const isPinned = ({ confirm }: Context, ref: string): boolean =>
  Boolean(confirm?.rolledBack && confirm.proven?.secrets[ref] !== undefined);

/** A watch over what a change may make the node lose; times in milliseconds since 1970. */
export type Watch = {
  /** When the change began. */
  since: number;
  /** From when on silence counts: the change, or the start of an agent that found it under trial and what it needs to connect. */
  from: number;
  timeout: number;
  /** When each was last found to be reached; null: not yet in this watch. */
  reached: ReadonlyMap<Reach, number | null>;
};

/** What a watch says now. Pure. */
export function judge({ since, from, timeout, reached }: Watch, now: number): 'open' | 'confirmed' | readonly Reach[] {
  const lost = [...reached].filter(([, at]) => now - (at ?? from) >= timeout).map(([reach]) => reach);
  if (lost.length > 0) return lost;
  const over = since + timeout;
  return now >= over && [...reached.values()].every((at) => at !== null && at >= over) ? 'confirmed' : 'open';
}
