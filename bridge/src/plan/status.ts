import { InterfaceStatusSchema, PlanStatusSchema } from '@ifactor/crds';
import type { Condition, InterfaceAddress, InterfaceStatus, PlanInterfaceStatus, PlanStatus } from '@ifactor/crds';
import { sameJson } from '@ifactor/common/json';
import type { KubeObject } from '../kube/object.ts';
import { ready, readyOf } from '../status/status.ts';
import type { Child } from './child.ts';
import type { Problem } from './links.ts';
import type { Planned } from './plan.ts';

/** `said` holds what is known about a child, by name: the API's object and its status. */
export type Said = (name: string) => { object: KubeObject; status: InterfaceStatus } | undefined;

/** The status of a plan. Contains public keys only. Pure. */
export function planStatus(
  planned: Planned,
  generation: number,
  before: PlanStatus | undefined,
  said: Said,
  extra: readonly Problem[],
  now: Date,
): PlanStatus {
  const problems = [...planned.problems, ...extra];
  const lagging = planned.children.filter((child) => !isReady(child, said(child.metadata.name)));
  return {
    observedGeneration: generation,
    conditions: [
      ready(before, { ...verdict(planned, problems, lagging, said), observedGeneration: generation }, now),
      linksValid(before, problems, generation, now),
    ],
    links: `${planned.children.length - lagging.length}/${planned.children.length}`,
    interfaces: planned.children.map((child) =>
      interfaceOf(child, said(child.metadata.name)?.status, planned.publicKeys.get(child.metadata.name)),
    ),
    allocations: planned.allocations,
  };
}

/** The conditions of a plan whose spec cannot be parsed. */
export function refusedPlan(
  message: string,
  generation: number,
  before: PlanStatus | undefined,
  now: Date,
): PlanStatus {
  return {
    ...before,
    observedGeneration: generation,
    conditions: [
      ready(before, { status: 'False', reason: 'InvalidSpec', message, observedGeneration: generation }, now),
    ],
  };
}

type Verdict = Pick<Condition, 'status' | 'reason' | 'message'>;

function verdict(planned: Planned, problems: readonly Problem[], lagging: readonly Child[], said: Said): Verdict {
  if (problems.length > 0) return { status: 'False', reason: 'InvalidLinks', message: spellProblems(problems) };
  const [first] = lagging;
  if (first !== undefined) {
    const status = said(first.metadata.name)?.status;
    const why = readyOf(status);
    const more = lagging.length > 1 ? ` (and ${lagging.length - 1} more)` : '';
    const detail = detailOf(why);
    return {
      status: 'False',
      reason: 'InterfacesNotReady',
      message: `${first.metadata.name}${more} is not ready: ${detail}`.slice(0, 32768),
    };
  }
  if (planned.keyless.length > 0) {
    const names = some(planned.keyless);
    return {
      status: 'False',
      reason: 'PublicKeyUnknown',
      message: `waiting for the public key of the far end of ${names}`,
    };
  }
  return { status: 'True', reason: 'InterfacesReady', message: `all ${planned.children.length} interfaces are ready` };
}

function detailOf(why: Condition | undefined): string {
  if (why === undefined) return 'no status yet';
  return why.status === 'True' ? 'its agent has not applied the last change yet' : `${why.reason}: ${why.message}`;
}

function linksValid(
  before: PlanStatus | undefined,
  problems: readonly Problem[],
  generation: number,
  now: Date,
): Condition {
  const status = problems.length === 0 ? 'True' : 'False';
  const last = before?.conditions?.find(({ type }) => type === 'LinksValid');
  return {
    type: 'LinksValid',
    status,
    observedGeneration: generation,
    lastTransitionTime: last?.status === status ? last.lastTransitionTime : now.toISOString(),
    reason: problems[0]?.reason ?? 'AllLinksValid',
    message: problems.length === 0 ? 'all links are planned' : spellProblems(problems),
  };
}

function spellProblems(problems: readonly Problem[]): string {
  return some(
    problems.map(({ link, message }) => `${link}: ${message}`),
    '; ',
  );
}

function some(all: readonly string[], separator = ', '): string {
  const most = 20;
  return `${all.slice(0, most).join(separator)}${all.length > most ? `${separator}and ${all.length - most} more` : ''}`;
}

/** A child is ready if its spec is the planned one and its Ready condition refers to that spec. */
function isReady(child: Child, found: ReturnType<Said>): boolean {
  if (found === undefined || !sameJson(found.object.spec, child.spec)) return false;
  const condition = readyOf(found.status);
  if (condition?.status !== 'True') return false;
  return (
    (condition.observedGeneration ?? found.status.observedGeneration ?? 0) >= (found.object.metadata.generation ?? 0)
  );
}

function interfaceOf(
  { metadata, spec }: Child,
  status: InterfaceStatus | undefined,
  publicKey: string | undefined,
): PlanInterfaceStatus {
  const [peer] = status?.wireguard?.peers ?? [];
  const listenPort = status?.wireguard?.listenPort ?? spec.listenPort;
  return {
    nodeName: spec.node,
    ...(status?.hostname !== undefined && { hostName: status.hostname }),
    wgObjectRef: { name: metadata.name, namespace: metadata.namespace },
    ...(publicKey !== undefined && { publicKey }),
    ...(listenPort !== undefined && { listenPort }),
    mtu: status?.netlink?.mtu ?? spec.mtu,
    addresses: status?.netlink?.addresses ?? spec.addresses.map(spellAddress),
    ...(peer?.lastHandshakeTime !== undefined && { lastHandshake: peer.lastHandshakeTime }),
  };
}

function spellAddress({ local, peer, prefixlen }: InterfaceAddress): string {
  return peer === undefined ? `${local}/${prefixlen}` : `${local} -> ${peer}/${prefixlen}`;
}

/** The status of an object of the API as an interface's, empty if it is no object. */
export function interfaceStatusOf(object: KubeObject): InterfaceStatus {
  return InterfaceStatusSchema.safeParse(object.status ?? {}).data ?? {};
}

/** The status of a plan while the API server cannot list possible children: nothing is changed. */
export function unreadablePlan(missing: readonly string[], object: KubeObject, now: Date): PlanStatus {
  const before = PlanStatusSchema.safeParse(object.status ?? {}).data;
  const observedGeneration = object.metadata.generation ?? 0;
  const message = `${some(missing, '; ')}; children, Secrets and finalizers are left as they are; see bridge/rbac.yaml`;
  return {
    ...before,
    conditions: [ready(before, { status: 'Unknown', reason: 'ListIncomplete', message, observedGeneration }, now)],
  };
}
