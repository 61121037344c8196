import type { KernelOperation, Slot, State } from '@ifactor/crds';
import type { Conflict, Waiting } from '../diff/rules.ts';

/**
 * What can follow from all that an actor knows. Each is a guard of the statechart, and leads to one state; null: the state stays
 * what it is.
 */
export const findings = {
  /** No object has been received. */
  nothingDeclared: 'pending',
  /** Netns, secrets or the kernel have to be looked at before anything can be said of an interface that is new, or new again. */
  lookupsAsked: 'pending',
  /** A secret that the spec refers to is not available. */
  secretMissing: 'pending',
  /** The netns or container where the interface belongs is not there. */
  placeLost: 'pending',
  /** Another link, or another object, has the name. */
  nameTaken: 'pending',
  /** A device that the interface stands on, or holds, does not exist or is down. */
  deviceMissing: 'pending',
  /** The kernel is still to be brought to the spec, and `spec.mode` does not allow it. */
  changesWithheld: 'pending',
  /** Another spec is in force, or an operation found the kernel changed: it is looked at again before it is compared. */
  lookedUpAgain: 'creating',
  /** The wait after a failure is over. */
  retryDue: 'creating',
  /** All that is needed is at hand, and the kernel is still to be brought to the spec. */
  needsMet: 'creating',
  /** The kernel matched the spec and no longer does. */
  kernelDiffers: 'drifted',
  /** Nothing remains to be done: the kernel is as declared. */
  operationsDone: 'configured',
  /** The same, of an interface that belongs in a container. */
  operationsDoneInNetns: 'moved-to-netns',
  /** The spec breaks its schema. */
  specRefused: 'failed',
  /** The kernel refused an operation, or does not keep what is set. */
  operationRefused: 'failed',
  /** A change made the node lose what it must not, and there is no former spec to go back to. */
  nothingToRollBackTo: 'failed',
  /** The object is being deleted and links of it may be left. */
  deletionAsked: 'deleting',
  /** The object is being deleted and no link of it is left. */
  linksGone: 'deleted',
  /** A person has paused the actor. */
  paused: null,
} as const satisfies { readonly [name: string]: State | null };

export type Finding = keyof typeof findings;

/** What a list of operations is about. `anew`: links that are recreated, and the fields that require it. */
export type Work = { fields: readonly string[]; anew: readonly { name: string; fields: readonly string[] }[] };

/** Progress of a removal; `names` of the links to delete. */
export type Step = { step: 'places' } | { step: 'look' } | { step: 'remove'; names: readonly string[] };

export type Looking =
  | { reason: 'WaitingForSecret'; params: { refs: readonly string[] } }
  | { reason: 'WaitingForNetns' | 'Observing'; params: { slots: readonly Slot[] } }
  | { reason: 'Confirming' };

/** Why an actor is in its state: what was found, the reason as in the Ready condition, and what it is about. No sentences. */
export type Because =
  | { finding: 'nothingDeclared'; reason: 'Unknown' }
  | ({ finding: 'lookupsAsked' | 'lookedUpAgain' | 'retryDue' } & Looking)
  /** The reason is that of `missing[ref]`. */
  | { finding: 'secretMissing'; reason: string; params: { ref: string } }
  /** The reason is that of `places[slot]`. */
  | { finding: 'placeLost'; reason: string; params: { slot: Slot } }
  | ({ finding: 'nameTaken' } & Conflict)
  /** `by`: the older object; `removed`: links of ours that make room for it. */
  | { finding: 'nameTaken'; reason: 'NameConflict'; params: { name: string; by: string; removed: readonly string[] } }
  | { finding: 'deviceMissing'; reason: Waiting['reason']; params: { waiting: readonly Waiting[] } }
  /** `through`: objects that wait for each other, from this one back to itself. */
  | { finding: 'deviceMissing'; reason: 'DependencyLoop'; params: { through: readonly string[] } }
  | { finding: 'needsMet'; reason: 'Creating'; params: Work }
  | { finding: 'kernelDiffers'; reason: 'Drifted'; params: Work }
  /** Pending `operations`, and the number of `more` that are not listed. */
  | {
      finding: 'kernelDiffers' | 'changesWithheld';
      reason: 'WouldChange';
      params: { operations: readonly KernelOperation[]; more: number };
    }
  | {
      finding: 'operationsDone' | 'operationsDoneInNetns';
      reason: 'Configured' | 'MovedToNetns' | 'Confirming' | 'RolledBack';
    }
  /** As declared, but for addresses that the kernel does not use yet, or at all. */
  | {
      finding: 'operationsDone' | 'operationsDoneInNetns';
      reason: 'AddressTentative' | 'AddressDuplicate';
      params: { addresses: readonly string[] };
    }
  | { finding: 'specRefused'; reason: 'InvalidSpec' }
  /** What failed is in `failure`. */
  | {
      finding: 'operationRefused';
      reason: 'KernelUnsupported' | 'Contested' | 'NotConverging' | 'InternalError' | 'OperationFailed';
    }
  | { finding: 'nothingToRollBackTo'; reason: 'RolledBack' }
  | { finding: 'deletionAsked'; reason: 'Deleting'; params: Step }
  /** What failed is in `failure`. */
  | { finding: 'deletionAsked'; reason: 'RemovalFailed' }
  /** The reason is that of `places[slot]`: it is unknown whether the links are gone. */
  | { finding: 'deletionAsked'; reason: string; params: { slot: Slot } }
  | { finding: 'linksGone'; reason: 'Deleted' }
  /** `fields`: how the kernel differs now; null: it has not been looked at. */
  | { finding: 'paused' | 'changesWithheld'; reason: 'Paused'; params: { fields: readonly string[] | null } };

/** What the actor has decided. */
export type Verdict = { state: State } & Because;

const healthyStates: readonly State[] = ['configured', 'moved-to-netns'];
export const isHealthy = (state: State): boolean => healthyStates.includes(state);
