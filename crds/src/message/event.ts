import type { Key } from './subject.ts';
import type { Address, Observed, Drift } from './observed.ts';
import type { KernelOperation } from './operation.ts';
import type { ContainerSelector } from '../schema/common.ts';
import type { NetlinkInterfaceSpec } from '../schema/netlinkInterface.ts';
import type { WireGuardInterfaceSpec } from '../schema/wireguardInterface.ts';

/**
 * The version of the lifecycle machine that wrote an event. Raised whenever the same log would fold to other
 * decisions; `upcast` keeps older events readable.
 */
export const machineVersion = 3;

/** A spec as it travels: no secret value is in it (the bridge takes `privateKey` out and seals it). */
export type InterfaceSpec = NetlinkInterfaceSpec | WireGuardInterfaceSpec;

/**
 * A place where a link of an interface lives. `home`: the agent's netns, where links are born; `target`: where the
 * interface belongs; `peer`: where the far end of a veth belongs.
 */
export type Slot = 'home' | 'target' | 'peer';

/**
 * What the reason of NetnsLost is about. `selector`: what leads to the netns; null is the home netns. `path`: of the netns file or of
 * the engine's socket; `cause`: what the kernel or the engine answered. Events of older agents carry a `message` in their place.
 */
export type NetnsParams = { selector: ContainerSelector | null; pid?: number; path?: string; cause?: string };

/**
 * What the reason of SecretMissing is about: where the spec says that the secret is, the object's namespace and node; `cause`: what
 * the file system answered. Events of older agents carry a `message` in their place.
 */
export type SecretParams = {
  secret?: { namespace: string; name: string; key: string };
  namespace?: string;
  node?: string;
  cause?: string;
};

/** What a change is judged by: the node's connection to NATS, the address in `spec.confirm.probe`. */
export type Reach = 'nats' | 'probe';

/**
 * What can happen in the life of an interface: facts in the past tense, each with what became known.
 * No payload ever holds key material: private keys appear as their public key, preshared keys as a fingerprint.
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
  /** A change with `spec.confirm` is about to be made; `watched` was reached before it, so that it can be lost by it. */
  ConfirmBegan: { generation: number; timeoutSeconds: number; watched: readonly Reach[] };
  /** All that is watched was reached when the time was over: the change stays. */
  SpecConfirmed: { generation: number };
  /** `lost` was away for so long: the last spec that worked is in force again; `to` is null if no spec has worked yet. */
  SpecRolledBack: { generation: number; to: number | null; lost: readonly Reach[]; seconds: number };
  /** The object is being deleted (finalizers pending), or is already gone from the API. */
  DeletionRequested: { uid: string; resourceVersion: string; gone: boolean };
  /** A secret that the spec needs is at hand; `fingerprint` is the public key of a private key. */
  SecretResolved: { ref: string; version: string; fingerprint: string };
  /** A secret that the spec needs is not available; `reason` says why. */
  SecretMissing: { ref: string; reason: string; params?: SecretParams; message?: string };
  /** A slot leads to a network namespace; `netns` is its inode, in decimal. */
  NetnsResolved: { slot: Slot; netns: string };
  /** The network namespace of a slot is gone or cannot be found; `reason` says why. */
  NetnsLost: { slot: Slot; reason: string; params?: NetnsParams; message?: string };
  /** Another, older resource claims the same name in the same netns. */
  NameTaken: { slot: Slot; name: string; by: string };
  /** The name that another resource claimed is free. */
  NameFreed: { slot: Slot; name: string };
  /** What the kernel shows, where that is news; `operations` is the id of the operations whose outcome this is. */
  LinkObserved: { observed: Observed; operations?: string };
  /** A healthy interface differs from what is wanted. */
  DriftObserved: { observed: Observed; drift: readonly Drift[] };
  /** A link was made. `mac`, and `farMac` of a veth's far end, are kept when the link has to be recreated: neighbours know it by them. */
  LinkCreated: Performed & { slot: Slot; name: string; index: number; mac?: string; farMac?: string };
  /** A link that was there already was taken over and marked. */
  LinkAdopted: Performed & { slot: Slot; name: string };
  /** Settings of the link were changed. */
  LinkChanged: Performed & { slot: Slot; name: string; change: Record<string, unknown> };
  /** The link was moved from one network namespace to another. */
  LinkMoved: Performed & { slot: Slot; name: string; from: Slot };
  /**
   * A link was removed. `anew`: it is recreated at once because of these fields, which cannot be changed on a link. `absent`: it was gone
   * already, or somebody else's by then.
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
    /** The endpoint of the spec that was written, as spelled there; null where none was. */
    endpoint: string | null;
    /** What its host name stood for, `ip:port`; absent where it is an address itself. */
    resolved?: string;
    change: Record<string, unknown>;
  };
  /** A peer that is not declared was removed. */
  PeerRemoved: Performed & { slot: Slot; name: string; publicKey: string };
  /** The endpoint's host name has no address now; the rest of the peer was configured. */
  EndpointUnresolved: { publicKey: string; endpoint: string; message: string };
  /** The kernel refused an operation; `code` is the errno name, `module` the kernel module that is missing. */
  OperationFailed: Performed & { operation: KernelOperation; code: string; message: string; module?: string };
  /** A step of the agent's own threw, which is a defect of ifactor: only this interface waits, and tries again. */
  StepFailed: { step: string; message: string };
  /** A timer that the machine asked for is over. */
  TimerElapsed: { timer: string };
  /**
   * The agent started: what it knew of netns, timers and operations in flight no longer holds. `lost`: so many events of the node,
   * the first of them made at `since`, could not be stored (the disk was full) before the agent's former run ended. `later`: the
   * version of the machine that wrote the actor's log before, which this agent does not know: it kept what it understood of it.
   */
  AgentStarted: { version: string; lost?: { events: number; since: string }; later?: number };
  /**
   * The stream holds so many events of the node that its journal does not: the journal went back (a restored folder, a rolled back
   * volume, a cloned machine, a power cut). Its events since then bear the id of a new epoch, `journal`.
   */
  JournalWentBack: { events: number; journal: string };
  /** A person asked for a fresh look at the kernel. */
  ResyncRequested: { by: string };
  /** A person asked to leave the interface alone. `until`: when it is looked after again by itself; absent: not before `Resumed`. */
  Paused: { by: string; reason?: string; until?: string };
  /** A person asked to look after the interface again. */
  Resumed: { by: string };
};

/** `operations`: the id of the list of operations this was one of, the correlation that late results are told by. */
export type Performed = { operations: string };

export type EventType = keyof EventData;

/** An event before it is recorded: what happened, to be folded. */
export type InterfaceEvent = { [T in EventType]: { type: T; time: string; data: EventData[T] } }[EventType];

/** An event as it stands in the journal and in IFACTOR_EVENTS. */
export type RecordedEvent = InterfaceEvent & {
  /** Unique: `<node>.<journal>.<sequence>`. */
  id: string;
  /** Position in the node's journal: 1, 2, 3, … without a gap. */
  sequence: number;
  node: string;
  key: Key;
  /** The event that this one follows from; null where the cause lies outside (the API, the kernel). */
  causationId: string | null;
  /** What set the chain off: `<uid>@<resourceVersion>` of an apply, or the id of an observation. */
  correlationId: string;
  /** The machine's state after the event. */
  state: string;
  machine: number;
};
