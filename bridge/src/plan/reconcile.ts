import type { Clock } from '@ifactor/common';
import { PlanStatusSchema, WireGuardNetworkPlanSpecSchema } from '@ifactor/crds';
import type { InterfaceStatus, PlanStatus, WireGuardNetworkPlanSpec } from '@ifactor/crds';
import type { Absence } from '../desired/absence.ts';
import { converge } from '../kube/converge.ts';
import { answered } from '../kube/error.ts';
import type { KubeObject } from '../kube/object.ts';
import type { KubeApi } from '../kube/port.ts';
import { resourceOf, resources } from '../kube/resource.ts';
import { isHeld, withFinalizer, withoutFinalizers } from '../status/finalizer.ts';
import { planKey } from '../view/objects.ts';
import type { ObjectWriter } from '../status/writer.ts';
import type { View } from '../view/view.ts';
import type { Parent } from './child.ts';
import { membersOf, orphansOf } from './members.ts';
import type { Members } from './members.ts';
import { plan } from './plan.ts';
import type { Reservations } from './reservations.ts';
import { statusOfChild } from './childStatus.ts';
import { givenKeys, usesSecrets } from './secrets.ts';
import { planStatus, refusedPlan, unreadablePlan } from './status.ts';

export type PlanParts = {
  api: KubeApi;
  view: View;
  writer: ObjectWriter;
  reservations: Reservations;
  absence: Pick<Absence, 'judgePlan' | 'settle'>;
  clock: Clock;
};

const plans = resourceOf('WireGuardNetworkPlan');
const interfaces = resourceOf('WireGuardInterface');
/** After the API server refused a child. */
const refusedRetryMs = 30_000;

/**
 * Reconciles one plan's children, Secrets and status with its spec.
 * @returns milliseconds after which to reconcile again, if needed
 */
export async function reconcilePlan(parts: PlanParts, key: string): Promise<number | undefined> {
  const { view, writer } = parts;
  const object = view.objects.plans.get(key);
  const secretsMatter = object === undefined || usesSecrets(object);
  const missing = view.objects.incomplete(
    'WireGuardNetworkPlan',
    'WireGuardInterface',
    ...(secretsMatter ? (['Secret'] as const) : []),
  );
  if (missing.length > 0) {
    // Missing objects cannot be distinguished from deleted ones: children, Secrets and finalizers stay unchanged.
    return object && writer.status(plans, object, unreadablePlan(missing, object, new Date(parts.clock.now())));
  }
  await removeOrphans(parts, key, object);
  if (object === undefined) return undefined;
  const members = membersOf(view.objects, object);
  if (object.metadata.deletionTimestamp !== undefined) {
    return tearDown(parts, object, members);
  }
  const finalizers = withFinalizer(object.metadata);
  const unset = finalizers && (await writer.finalizers(plans, object, finalizers));

  const generation = object.metadata.generation ?? 0;
  const parsed = WireGuardNetworkPlanSpecSchema.safeParse(object.spec ?? {});
  if (parsed.success) return (await keepUp(parts, object, parsed.data, members)) ?? unset;
  const message = parsed.error.issues.map((issue) => `spec.${issue.path.join('.')}: ${issue.message}`).join('; ');
  return writer.status(plans, object, refusedPlan(message, generation, statusOf(object), new Date(parts.clock.now())));
}

/** Deletes children whose plan is gone: a plain API server may have no garbage collector. */
async function removeOrphans(
  { api, view, absence }: PlanParts,
  key: string,
  object: KubeObject | undefined,
): Promise<void> {
  const orphans = orphansOf(view.objects, key, object?.metadata.uid);
  let proven = true;
  for (const [uid, { children, secrets }] of orphans) {
    if (object === undefined && (await absence.judgePlan(key, uid, children.length)) === 'unproven') {
      proven = false;
      continue;
    }
    await converge(api, interfaces, [], children);
    await converge(api, resources.secrets, [], secrets);
  }
  // Tombstones held by the brake keep waiting there.
  if (proven) absence.settle(planKey(key));
}

async function tearDown(
  parts: PlanParts,
  object: KubeObject,
  { children, secrets }: Members,
): Promise<number | undefined> {
  const { api, writer, reservations } = parts;
  if (!isHeld(object.metadata)) return undefined;
  await converge(api, interfaces, [], children);
  // Delete the keys last: children that are still being removed may need them.
  if (children.length > 0) return undefined;
  await converge(api, resources.secrets, [], secrets);
  reservations.forget(object);
  return writer.finalizers(plans, object, withoutFinalizers(object.metadata));
}

async function keepUp(
  parts: PlanParts,
  object: KubeObject,
  spec: WireGuardNetworkPlanSpec,
  { children, secrets }: Members,
): Promise<number | undefined> {
  const { api, view, writer, reservations, clock } = parts;
  const { objects } = view;
  const { name, namespace = '', uid, generation = 0 } = object.metadata;
  const parent: Parent = { name, namespace, uid, generation };
  const before = statusOf(object);
  const status = (child: KubeObject): InterfaceStatus => statusOfChild(view, child, clock.now()) ?? {};
  const { given, owned, problems } = givenKeys(parent, spec, objects.secrets);
  const planned = plan({
    parent,
    spec,
    previous: reservations.of(object),
    given,
    reported: publicKeysOf(children, before, status),
    taken: reservations.taken(object),
  });
  reservations.set(object, planned.allocations);

  const inUse = await converge(api, resources.secrets, owned, secrets, (at) => objects.secrets.get(at));
  for (const secret of inUse)
    problems.push({
      link: `Secret ${secret}`,
      reason: 'NameTaken',
      message: "exists and is not this plan's; delete or rename it",
    });
  let retryMs: number | undefined;
  try {
    await converge(api, interfaces, planned.children, children, (at) => objects.interfaces.get(at));
  } catch (error) {
    // Refused by admission, a quota or a policy: report it on the plan, not only in the log.
    if (!answered(error, 400, 403, 422)) throw error;
    problems.push({ link: 'children', reason: 'ChildRefused', message: error.message });
    retryMs = refusedRetryMs;
  }

  const said = (child: string): { object: KubeObject; status: InterfaceStatus } | undefined => {
    const found = objects.interfaces.get(`${namespace}/${child}`);
    return found && { object: found, status: status(found) };
  };
  const next = planStatus(planned, generation, before, said, problems, new Date(clock.now()));
  return (await writer.status(plans, object, next)) ?? retryMs;
}

/** Public keys reported earlier stay valid while an agent is unreachable or recreates a link. */
function publicKeysOf(
  children: readonly KubeObject[],
  before: PlanStatus | undefined,
  status: (child: KubeObject) => InterfaceStatus,
): Map<string, string> {
  const reported = new Map<string, string>();
  for (const { wgObjectRef, publicKey } of before?.interfaces ?? [])
    if (publicKey !== undefined) reported.set(wgObjectRef.name, publicKey);
  for (const child of children) {
    const publicKey = status(child).wireguard?.publicKey;
    if (publicKey !== undefined) reported.set(child.metadata.name, publicKey);
  }
  return reported;
}

function statusOf(object: KubeObject): PlanStatus | undefined {
  return PlanStatusSchema.safeParse(object.status ?? {}).data;
}
