import { machineVersion, states } from '@ifactor/crds';
import type { State } from '@ifactor/crds';
import { rulesOf } from '../kind/index.ts';
import { initialContext } from './context.ts';
import type { Context } from './context.ts';
import type { Confirm, RolledBack } from './confirm.ts';
import type { Snapshot } from './fold.ts';
import { isHealthy } from './verdict.ts';
import type { Verdict } from './verdict.ts';

/** Everything of a snapshot that is worth keeping, as plain JSON. `machine`: the version that knows its shape. */
export type Frozen = { machine: number; value: State; context: Context };

export const freeze = ({ value, context }: Snapshot): Frozen => ({
  machine: machineVersion,
  value,
  context: context.operations.length === 0 ? context : { ...context, operations: [] },
});

/** As versions 1 and 2 wrote it: with sentences, and without the version's number. */
type Former = { machine?: undefined; value: State; context: FormerContext };
type FormerContext = Omit<Context, 'verdict' | 'failure' | 'missing' | 'places' | 'paused' | 'refused' | 'confirm'> & {
  paused?: string | null;
  problem?: string | null;
  confirm?: Omit<Confirm, 'rolledBack'> & {
    rolledBack: (Omit<RolledBack, 'lost' | 'seconds'> & { found: boolean }) | null;
  };
};

/**
 * The snapshot that `freeze` wrote, in this version or another. Fields that an older version lacked get
 * their initial values. What a former version stored as sentences is dropped: the agent's start, which follows, looks it up again.
 */
export function thaw(frozen: Frozen | Former): Snapshot {
  if (frozen.machine === undefined) return former(frozen);
  if (frozen.machine > machineVersion) return later(frozen);
  const { value, context } = frozen;
  return { value: knownOr('pending', value), context: { ...initialContext(context.key), ...context } };
}

const knownOr = (state: State, value: string): State => states.find((known) => known === value) ?? state;

/**
 * Of a later version: what was declared, and what the node cannot find out again, where this version reads it the same. The rest, and
 * fields that it does not know, are dropped: the agent's start, which follows, adopts what the kernel shows.
 */
function later({ value, context }: Frozen): Snapshot {
  const blank = initialContext(context.key);
  const state = knownOr('pending', value);
  const { desired, refused, deletion, paused, secrets, endpoints, listenPort, round, ready, settled } = {
    ...blank,
    ...context,
  };
  const { confirm, macs, birth, resolved } = context;
  const read = rulesOf(context.key, context.spec);
  const spec = 'problem' in read ? null : read.spec;
  return {
    value: state,
    context: {
      ...blank,
      refused,
      deletion,
      paused,
      secrets,
      endpoints,
      listenPort,
      round,
      ready,
      spec,
      // A spec that only the later version can read is delivered again, from the desired object in the journal.
      desired: desired !== null && spec === null && refused === null ? { ...desired, generation: 0 } : desired,
      settled: settled && isHealthy(state),
      ...(confirm && { confirm }),
      ...(macs && { macs }),
      ...(birth !== undefined && { birth }),
      ...(resolved && { resolved }),
      verdict: verdictOf(state),
    },
  };
}

function former({ value, context }: Former): Snapshot {
  if (!states.some((state) => state === value)) throw new TypeError(`a snapshot has the unknown state ${value}`);
  const {
    paused,
    problem,
    confirm,
    verdict: _,
    failure: __,
    missing: ___,
    places: ____,
    ...rest
  } = {
    verdict: null,
    failure: null,
    missing: null,
    places: null,
    ...context,
  };
  const blank = initialContext(context.key);
  const ready = context.ready ?? blank.ready;
  return {
    value,
    context: {
      ...blank,
      ...rest,
      ready,
      // A spec that was refused is delivered again, from the desired object in the journal.
      desired: problem && context.desired ? { ...context.desired, generation: 0 } : (context.desired ?? null),
      paused: paused ? { by: paused, since: ready.since } : null,
      ...(confirm ? { confirm: confirmOf(confirm) } : {}),
      verdict: verdictOf(value),
    },
  };
}

const confirmOf = ({ rolledBack, ...confirm }: NonNullable<FormerContext['confirm']>): Confirm => ({
  ...confirm,
  rolledBack: rolledBack && {
    generation: rolledBack.generation,
    to: rolledBack.to,
    spec: rolledBack.spec,
    found: rolledBack.found,
    lost: [],
    seconds: 0,
  },
});

/** The verdict that a state alone implies. */
function verdictOf(state: State): Verdict {
  const nothing = { fields: [], anew: [] };
  switch (state) {
    case 'pending':
      return { state, finding: 'nothingDeclared', reason: 'Unknown' };
    case 'creating':
      return { state, finding: 'needsMet', reason: 'Creating', params: nothing };
    case 'drifted':
      return { state, finding: 'kernelDiffers', reason: 'Drifted', params: nothing };
    case 'configured':
      return { state, finding: 'operationsDone', reason: 'Configured' };
    case 'moved-to-netns':
      return { state, finding: 'operationsDoneInNetns', reason: 'MovedToNetns' };
    case 'failed':
      return { state, finding: 'operationRefused', reason: 'OperationFailed' };
    case 'deleting':
      return { state, finding: 'deletionAsked', reason: 'Deleting', params: { step: 'look' } };
    case 'deleted':
      return { state, finding: 'linksGone', reason: 'Deleted' };
  }
}
