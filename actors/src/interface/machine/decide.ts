import type { KernelOperation, Operation } from '@ifactor/crds';
import type { Difference, KindRules } from '../kind/index.ts';
import { unusableAddresses } from './addressCheck.ts';
import type { Trial } from './confirm.ts';
import type { Context, Failure } from './context.ts';
import { decided } from './decision.ts';
import type { Decision } from './decision.ts';
import { isPaused, withheld } from './hold.ts';
import { differenceOf, rulesIn } from './difference.ts';
import { decideNeeds, lookup } from './needs.ts';
import { recheckOperations } from './recheck.ts';
import { decideDeletion, decideRemoval } from './removal.ts';
import type { Because, Work } from './verdict.ts';

/** The healthy state: where the interface belongs decides its name. */
function healthy(context: Context, rules: KindRules): Decision {
  const { spec, confirm } = context;
  const away = spec !== null && rules.places(spec).some(({ container }) => container !== null);
  const finding = away ? 'operationsDoneInNetns' : 'operationsDone';
  const { trial, rolledBack } = confirm ?? {};
  if (rolledBack) return decided({ finding, reason: 'RolledBack' });
  if (trial && trial.since !== null) return decided({ finding, reason: 'Confirming' });
  const unusable = unusableAddresses(context);
  const again = recheckOperations(context);
  // A healthy state stays what it is meanwhile.
  if (again.length > 0) return { ...decided(null), perform: again };
  if (unusable) return decided({ finding, ...unusable });
  return decided({ finding, reason: away ? 'MovedToNetns' : 'Configured' });
}

/** Which links a list makes again, and why. */
function workOf(operations: readonly KernelOperation[], fields: readonly string[]): Work {
  const anew = operations.flatMap((operation) =>
    operation.type === 'RemoveLink' && operation.anew !== undefined
      ? [{ name: operation.name, fields: operation.anew }]
      : [],
  );
  return { fields: [...new Set(fields)], anew };
}

/** Before a change under trial is applied, find out what is reachable and can be lost. */
function decideBegin(context: Context, { generation, asked }: Trial): Decision {
  const { timeoutSeconds = 0, probe = null } = context.spec?.confirm ?? {};
  const operations: Operation[] = asked ? [] : [{ type: 'BeginConfirm', generation, timeoutSeconds, probe }];
  return lookup(context, { reason: 'Confirming' }, operations);
}

const fieldsIn = (drift: readonly { field: string }[]): string[] => [...new Set(drift.map(({ field }) => field))];

/** The fields that differ, including those of foreign links and missing devices. */
function differingFields({ conflict, drift, waiting }: Difference): string[] {
  const missing = waiting.map(({ reason }) => (reason.startsWith('Slave') ? 'slaves' : 'dev'));
  return [...new Set([...(conflict ? ['link'] : []), ...fieldsIn(drift), ...missing])];
}

/** A paused actor observes the kernel and reports differences, and changes nothing. */
function decidePaused(context: Context, rules: KindRules | null): Decision {
  const difference = rules && context.failure?.code !== 'InternalError' ? differenceOf(context, rules) : null;
  const { state } = context.verdict;
  const because: Because = {
    // Declared after its deletion: its end is not what it is in any more.
    finding: state === 'deleting' || state === 'deleted' ? 'changesWithheld' : 'paused',
    reason: 'Paused',
    params: { fields: difference && differingFields(difference) },
  };
  if (rules === null || context.running !== null) return decided(because);
  const need = decideNeeds(context, rules) ?? decideLook(context, rules);
  return decided(because, need?.operations ?? []);
}

/** The kernel has to be seen before it can be compared; null: it was. */
function decideLook(context: Context, rules: KindRules): Decision | null {
  if (context.observed !== null || context.spec === null) return null;
  const slots = rules.places(context.spec).map(({ slot }) => slot);
  const operations: Operation[] = context.asked.observe ? [] : [{ type: 'Observe' }];
  return lookup(context, { reason: 'Observing', params: { slots } }, operations);
}

function decideFailure(failure: Failure): Because {
  if (failure.code !== 'Refused') return { finding: 'operationRefused', reason: failure.code };
  const reason = failure.errno === 'EOPNOTSUPP' ? 'KernelUnsupported' : 'OperationFailed';
  return { finding: 'operationRefused', reason };
}

/** Pure: the same context always gives the same decision. */
export function decide(context: Context): Decision {
  const decision = decideFreely(context);
  if (context.hold === undefined || context.deletion !== null || !decision.perform) return decision;
  return withheld(context, decision.perform);
}

/** As if `spec.mode` allowed it. */
function decideFreely(context: Context): Decision {
  const rules = rulesIn(context);
  if (context.deletion === null && isPaused(context)) return decidePaused(context, rules);
  if (context.running !== null) return decided(null);
  if (context.deletion !== null) return decideDeletion(context, rules);
  if (context.failure !== null) return decided(decideFailure(context.failure));
  if (context.refused !== null) return decided({ finding: 'specRefused', reason: 'InvalidSpec' });
  if (context.spec === null || rules === null) return decided({ finding: 'nothingDeclared', reason: 'Unknown' });
  const { trial, rolledBack } = context.confirm ?? {};
  if (rolledBack && rolledBack.to === null) {
    const because: Because = { finding: 'nothingToRollBackTo', reason: 'RolledBack' };
    return rolledBack.found ? decided(because) : decideRemoval(context, rules, () => because, because);
  }
  const before = decideNeeds(context, rules) ?? decideLook(context, rules);
  if (before) return before;
  const { loop } = context;
  if (loop) return decided({ finding: 'deviceMissing', reason: 'DependencyLoop', params: { through: loop } });
  const difference = differenceOf(context, rules);
  if (difference === null) return decided({ finding: 'nothingDeclared', reason: 'Unknown' });
  const { conflict, waiting, operations, drift } = difference;
  if (conflict) return decided({ finding: 'nameTaken', ...conflict });
  if (operations.length > 0 && trial?.since === null && !context.hold) return decideBegin(context, trial);
  if (operations.length > 0) {
    const params = workOf(
      operations,
      drift.map(({ field }) => field),
    );
    const because: Because = context.settled
      ? { finding: 'kernelDiffers', reason: 'Drifted', params }
      : { finding: 'needsMet', reason: 'Creating', params };
    return { ...decided(because), perform: operations };
  }
  const [first] = waiting;
  if (first) return decided({ finding: 'deviceMissing', reason: first.reason, params: { waiting } });
  return healthy(context, rules);
}
