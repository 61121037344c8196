import { kinds, PlanStatusSchema, WireGuardNetworkPlanSpecSchema } from '@ifactor/crds';
import type { InterfaceStatus, PlanStatus } from '@ifactor/crds';
import { isHeld, withFinalizer, withoutFinalizers } from '../status/finalizer.ts';
import { sameJson } from '@ifactor/common/json';
import type { Client } from '../kube/client.ts';
import { answered } from '../kube/error.ts';
import { level } from '../kube/converge.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Recorder } from '../kube/recorder.ts';
import { resourceOf, resources } from '../kube/resource.ts';
import { applyStatus, setFinalizers } from '../kube/write.ts';
import { noteOf } from '../status/note.ts';
import type { Secrets } from '../desired/secret.ts';
import type { Allocation, Taken } from './allocate.ts';
import type { Parent } from './child.ts';
import { plan } from './plan.ts';
import { givenKeys } from './secrets.ts';
import { planStatus, refusedPlan } from './status.ts';

export type CarryParts = {
  client: Client;
  plans: Store;
  interfaces: Store;
  secrets: Secrets & Store;
  recorder: Recorder;
  /** What a child's agent says, from the stream, which is ahead of the API; undefined where it said nothing yet. */
  said: (child: KubeObject) => InterfaceStatus | undefined;
  /** Allocations of each plan (by uid), ahead of what the watch has brought back: shared by all calls. */
  reserved: Map<string, readonly Allocation[]>;
  written: Map<string, { at: number; status: PlanStatus }>;
};
export type Store = { get(key: string): KubeObject | undefined; all(): Iterable<KubeObject> };

const resource = resourceOf('WireGuardNetworkPlan');
const pace = 1000;
/** After the API server refused a child, ms. */
const refusedRetry = 30_000;

/**
 * Brings one plan's children, Secrets and status to what its spec says.
 * @returns milliseconds after which to look again, if that is needed
 */
export async function carry(parts: CarryParts, key: string): Promise<number | undefined> {
  const { client, plans, interfaces, secrets } = parts;
  const object = plans.get(key);
  const [namespace = '', name = ''] = key.split('/');
  // What has lost its plan goes too: a plain API server may have no garbage collector.
  const orphans = (uid: string | undefined) => (child: KubeObject) => {
    const owner = ownerPlan(child);
    return child.metadata.namespace === namespace && owner?.name === name && owner.uid !== uid;
  };
  const uid = object?.metadata.uid;
  await level(client, resourceOf('WireGuardInterface'), [], [...interfaces.all()].filter(orphans(uid)));
  await level(client, resources.secrets, [], [...secrets.all()].filter(orphans(uid)));
  if (object === undefined) return undefined;
  const { metadata } = object;
  const owned = (child: KubeObject): boolean => ownerPlan(child)?.uid === metadata.uid;
  const children = [...interfaces.all()].filter(owned);
  const ownedSecrets = [...secrets.all()].filter(owned);

  if (metadata.deletionTimestamp !== undefined) {
    if (!isHeld(metadata)) return undefined;
    await level(client, resourceOf('WireGuardInterface'), [], children);
    // The keys last: children that still go down may want them.
    if (children.length > 0) return undefined;
    await level(client, resources.secrets, [], ownedSecrets);
    parts.reserved.delete(metadata.uid);
    parts.written.delete(metadata.uid);
    await setFinalizers(client, resource, object, withoutFinalizers(metadata));
    return undefined;
  }
  const finalizers = withFinalizer(metadata);
  if (finalizers !== undefined) await setFinalizers(client, resource, object, finalizers);

  const generation = metadata.generation ?? 0;
  const before = PlanStatusSchema.safeParse(object.status ?? {}).data;
  const parsed = WireGuardNetworkPlanSpecSchema.safeParse(object.spec ?? {});
  if (!parsed.success) {
    const message = parsed.error.issues.map((issue) => `spec.${issue.path.join('.')}: ${issue.message}`).join('; ');
    return writeStatus(parts, object, refusedPlan(message, generation, before, new Date()));
  }
  const spec = parsed.data;
  const parent: Parent = { name, namespace, uid: metadata.uid, generation };
  const { given, owned: wantedSecrets, problems } = givenKeys(parent, spec, secrets);
  // What was said before still holds while an agent is away or makes a link anew.
  const reported = new Map<string, string>();
  for (const { wgObjectRef, publicKey } of before?.interfaces ?? [])
    if (publicKey !== undefined) reported.set(wgObjectRef.name, publicKey);
  const status = (child: KubeObject): InterfaceStatus => parts.said(child) ?? {};
  for (const child of children) {
    const publicKey = status(child).wireguard?.publicKey;
    if (publicKey !== undefined) reported.set(child.metadata.name, publicKey);
  }
  const previous = parts.reserved.get(metadata.uid) ?? before?.allocations ?? [];
  const planned = plan({ parent, spec, previous, given, reported, taken: takenBy(parts, metadata.uid, namespace) });
  parts.reserved.set(metadata.uid, planned.allocations);

  const strangers = await level(client, resources.secrets, wantedSecrets, ownedSecrets, (at) => secrets.get(at));
  for (const stranger of strangers)
    problems.push({
      link: `Secret ${stranger}`,
      reason: 'NameTaken',
      message: "exists and is not this plan's; delete or rename it",
    });
  let retry: number | undefined;
  try {
    await level(client, resourceOf('WireGuardInterface'), planned.children, children, (at) => interfaces.get(at));
  } catch (error) {
    // Refused by admission, a quota or a policy: to be seen on the plan, not only in the log.
    if (!answered(error, 400, 403, 422)) throw error;
    problems.push({ link: 'children', reason: 'ChildRefused', message: error.message });
    retry = refusedRetry;
  }

  const said = (child: string): { object: KubeObject; status: InterfaceStatus } | undefined => {
    const found = interfaces.get(`${namespace}/${child}`);
    return found && { object: found, status: status(found) };
  };
  return (
    (await writeStatus(parts, object, planStatus(planned, generation, before, said, problems, new Date()))) ?? retry
  );
}

async function writeStatus(parts: CarryParts, object: KubeObject, status: PlanStatus): Promise<number | undefined> {
  if (sameJson(status, object.status ?? {})) return undefined;
  const { uid } = object.metadata;
  const last = parts.written.get(uid);
  const now = Date.now();
  if (last !== undefined && now - last.at < pace) return last.at + pace - now;
  if (await applyStatus(parts.client, resource, object, status)) {
    const note = noteOf(last?.status ?? object.status, status);
    if (note !== undefined) parts.recorder.note(object, note);
    parts.written.set(uid, { at: now, status });
  }
  return undefined;
}

/** Names and ports that are not this plan's: those of interfaces made by hand, and those other plans gave. */
function takenBy(parts: CarryParts, uid: string, namespace: string): Taken {
  const ports = new Set<string>();
  const names = new Set<string>();
  for (const one of parts.interfaces.all()) {
    if (ownerPlan(one)?.uid === uid) continue;
    if (one.metadata.namespace === namespace) names.add(one.metadata.name);
    const { node, listenPort } = one.spec ?? {};
    if (typeof node === 'string' && typeof listenPort === 'number' && listenPort > 0)
      ports.add(`${node}/${listenPort}`);
  }
  for (const other of parts.plans.all()) {
    if (other.metadata.uid === uid) continue;
    const given =
      parts.reserved.get(other.metadata.uid) ?? PlanStatusSchema.safeParse(other.status ?? {}).data?.allocations ?? [];
    for (const { fromNode, listenPort } of given) if (listenPort !== undefined) ports.add(`${fromNode}/${listenPort}`);
  }
  return { port: (node, port) => ports.has(`${node}/${port}`), name: (name) => names.has(name) };
}

/** The plan that controls an object, if one does. */
export function ownerPlan({ metadata }: KubeObject): { name: string; uid: string } | undefined {
  return metadata.ownerReferences?.find(({ controller, kind, apiVersion }) => {
    const [group] = apiVersion.split('/');
    return (
      controller === true && kind === kinds.WireGuardNetworkPlan.kind && group === kinds.WireGuardNetworkPlan.group
    );
  });
}
