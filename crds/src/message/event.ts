import type { Key } from './subject.ts';
import type { Address, Observed, Drift } from './observed.ts';
import type { KernelOperation } from './operation.ts';
import type { ContainerSelector } from '../schema/common.ts';
import type { NetlinkInterfaceSpec } from '../schema/netlinkInterface.ts';
import type { WireGuardInterfaceSpec } from '../schema/wireguardInterface.ts';

/**
 * The version of the lifecycle machine that wrote an event. Raised whenever the same log would lead to other
 * decisions; `upcast` keeps older events readable.
 */
export const machineVersion = 3;

/** A spec in messages: it contains no secret value (the bridge removes `privateKey` and seals it). */
export type InterfaceSpec = NetlinkInterfaceSpec | WireGuardInterfaceSpec;

/**
 * A place where a link of an interface can be. `home`: the agent's netns, where links are created; `target`: where the
 * interface belongs; `peer`: where the far end of a veth belongs.
 */
export type Slot = 'home' | 'target' | 'peer';

/**
 * Parameters of the reason of NetnsLost. `selector`: selects the netns; null is the home netns. `path`: of the netns file or of
 * the engine's socket; `cause`: error of the kernel or the engine. Events of older agents have a `message` instead.
 */
export type NetnsParams = { selector: ContainerSelector | null; pid?: number; path?: string; cause?: string };

/**
 * Parameters of the reason of SecretMissing: the secret's location in the spec, the object's namespace and node; `cause`: error of
 * the file system. Events of older agents have a `message` instead.
 */
export type SecretParams = {
  secret?: { namespace: string; name: string; key: string };
  namespace?: string;
  node?: string;
  cause?: string;
};

/** What a change is checked against: the node's connection to NATS, the address in `spec.confirm.probe`. */
export type Reach = 'nats' | 'probe';

/**
 * What can happen to an interface: facts in the past tense, each with its data.
 * No payload contains key material: private keys appear as their public key, preshared keys as a fingerprint.
 */
export type EventData = {
  /** The declared object changed, or is seen for the first time. */
  SpecChanged: {
    uid: string;
    generation: number;
    resourceVersion: string;
    creationTimestamp: string;
    spec: InterfaceSpec;
  };
  /** A change with `spec.confirm` is about to be applied; `watched` was reachable before it, so the change could break it. */
  ConfirmBegan: { generation: number; timeoutSeconds: number; watched: readonly Reach[] };
  /** Everything in `watched` was reachable at the deadline: the change stays. */
  SpecConfirmed: { generation: number };
  /** `lost` was unreachable for too long: the last spec that worked is restored; `to` is null if no spec has worked yet. */
  SpecRolledBack: { generation: number; to: number | null; lost: readonly Reach[]; seconds: number };
  /** The object is being deleted (finalizers pending), or is already gone from the API. */
  DeletionRequested: { uid: string; resourceVersion: string; gone: boolean };
  /** A secret that the spec needs is available; `fingerprint` is the public key of a private key. */
  SecretResolved: { ref: string; version: string; fingerprint: string };
  /** A secret that the spec needs is not available; `reason` says why. */
  SecretMissing: { ref: string; reason: string; params?: SecretParams; message?: string };
  /** The netns of a slot was found; `netns` is its inode, in decimal. */
  NetnsResolved: { slot: Slot; netns: string };
  /** The network namespace of a slot is gone or cannot be found; `reason` says why. */
  NetnsLost: { slot: Slot; reason: string; params?: NetnsParams; message?: string };
  /** Another, older resource claims the same name in the same netns. */
  NameTaken: { slot: Slot; name: string; by: string };
  /** The name that another resource claimed is free. */
  NameFreed: { slot: Slot; name: string };
  /**
   * The devices and slaves that objects name form a loop: each of them waits for the next. `through`: the objects, from this one back to
   * itself, as `kind/namespace/name`.
   */
  LoopFound: { through: readonly string[] };
  /** The loop is open: one of its objects was changed or deleted. */
  LoopOpened: { through: readonly string[] };
  /** A changed observation of the kernel; `operations` is the id of the operations whose outcome this is. */
  LinkObserved: { observed: Observed; operations?: string };
  /** A healthy interface differs from the desired state. */
  DriftObserved: { observed: Observed; drift: readonly Drift[] };
  /** A link was created. `mac`, and `farMac` of a veth's far end, are kept if the link has to be recreated: neighbours know it by them. */
  LinkCreated: Performed & { slot: Slot; name: string; index: number; mac?: string; farMac?: string };
  /** An existing link was adopted and marked. */
  LinkAdopted: Performed & { slot: Slot; name: string };
  /** Settings of the link were changed. */
  LinkChanged: Performed & { slot: Slot; name: string; change: Record<string, unknown> };
  /** The link was moved from one network namespace to another. */
  LinkMoved: Performed & { slot: Slot; name: string; from: Slot };
  /**
   * A link was removed. `anew`: it is recreated at once because of these fields, which cannot be changed on a link. `absent`: it was
   * already gone, or by then belonged to something else.
   */
  LinkRemoved: Performed & { slot: Slot | null; name: string; anew?: readonly string[]; absent?: true };
  /** An address was added to the link. */
  AddressAdded: Performed & { slot: Slot; name: string; address: Address };
  /** An address that is not declared was removed from the link. */
  AddressRemoved: Performed & { slot: Slot; name: string; address: Address };
  /** A link was enslaved to this one. */
  SlaveAttached: Performed & { slot: Slot; name: string; slave: string };
  /** A link that is not declared as a slave was released. */
  SlaveReleased: Performed & { slot: Slot; name: string; slave: string };
  /** Key, port or firewall mark of the WireGuard device were set. */
  WireGuardChanged: Performed & { slot: Slot; name: string; change: Record<string, unknown> };
  /** A peer was added or changed. */
  PeerChanged: Performed & {
    slot: Slot;
    name: string;
    publicKey: string;
    /** The spec's endpoint that was written, unresolved; null if no endpoint was written. */
    endpoint: string | null;
    /** The address of the endpoint's host name, `ip:port`; absent if the endpoint is an address itself. */
    resolved?: string;
    change: Record<string, unknown>;
  };
  /** A peer that is not declared was removed. */
  PeerRemoved: Performed & { slot: Slot; name: string; publicKey: string };
  /** The endpoint's host name does not resolve now; the rest of the peer was configured. */
  EndpointUnresolved: { publicKey: string; endpoint: string; message: string };
  /** The kernel refused an operation; `code` is the errno name, `module` the missing kernel module. */
  OperationFailed: Performed & { operation: KernelOperation; code: string; message: string; module?: string };
  /** A link with the mark of this object, where none belongs, cannot be removed: it is left as it is. `netns`: its inode. */
  StrayLeft: Performed & { netns: string; name: string; index: number; code: string; message: string };
  /** A step inside the agent threw, which is a bug in ifactor: only this interface waits, and retries. */
  StepFailed: { step: string; message: string };
  /** A timer that the machine started has elapsed. */
  TimerElapsed: { timer: string };
  /**
   * The agent started: its state of netns, timers and operations in flight is no longer valid. `lost`: number of events of the node,
   * the first of them made at `since`, that could not be stored (the disk was full) before the agent's previous run ended. `later`: the
   * version of the newer machine that wrote the actor's log, which this agent does not support: it kept what it could interpret.
   */
  AgentStarted: { version: string; lost?: { events: number; since: string }; later?: number };
  /**
   * Number of events of the node that the stream has but its journal lacks: the journal was rolled back (a restored folder, a rolled
   * back volume, a cloned machine, a power cut). Its events since then have the id of a new epoch, `journal`.
   */
  JournalWentBack: { events: number; journal: string };
  /** A message about the object was refused, so that what was accepted before stays in force; `reason` says why. */
  DesiredRefused: { reason: string };
  /** A user requested a new observation of the kernel. */
  ResyncRequested: { by: string };
  /** A user paused the interface. `until`: when it is managed again automatically; absent: not before `Resumed`. */
  Paused: { by: string; reason?: string; until?: string };
  /** A user resumed the interface. */
  Resumed: { by: string };
};

/** `operations`: the id of the list that this operation was in; late results are recognised by it. */
export type Performed = { operations: string };

export type EventType = keyof EventData;

/** An event before it is recorded: the fact, to be folded. */
export type InterfaceEvent = { [T in EventType]: { type: T; time: string; data: EventData[T] } }[EventType];

/** An event as stored in the journal and in IFACTOR_EVENTS. */
export type RecordedEvent = InterfaceEvent & {
  /** Unique: `<node>.<journal>.<sequence>`. */
  id: string;
  /** Position in the node's journal: 1, 2, 3, … without a gap. */
  sequence: number;
  node: string;
  key: Key;
  /** The event that caused this one; null if the cause is external (the API, the kernel). */
  causationId: string | null;
  /** What started the chain: `<uid>@<resourceVersion>` of an apply, or the id of an observation. */
  correlationId: string;
  /** The machine's state after the event. */
  state: string;
  machine: number;
};
