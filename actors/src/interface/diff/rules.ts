import type {
  ContainerSelector,
  Drift,
  InterfaceSpec,
  KernelOperation,
  Key,
  KindAttributes,
  Observed,
  Slot,
} from '@ifactor/crds';

/** A missing dependency of the interface: a code and its parameters. `words` makes the sentence. */
export type Waiting =
  /** `upper`: the kind of the link that it is to be enslaved to. */
  | { reason: 'SlaveMissing'; params: { slave: string; upper: string } }
  /** `master`: the link that it is enslaved to, of another resource (`owner`). */
  | { reason: 'SlaveTaken'; params: { slave: string; upper: string; master: string; owner: string } }
  /** `kind`: of the link that is created on top of it. */
  | { reason: 'DeviceMissing'; params: { device: string; kind: string } }
  /** `name`: of the link that the kernel keeps down. */
  | { reason: 'DeviceDown'; params: { device: string; name: string } };

/** A foreign link has our name. `owner`: the resource in its mark; null: it has no mark. */
export type Conflict = { reason: 'NameConflict'; params: { name: string; kind: string; owner: string | null } };

/** What the actor knows beyond the spec that decides how the kernel should look. */
export type Knowledge = {
  key: Key;
  /** Fingerprints by ref: the public key for `privateKey`. */
  secrets: { readonly [ref: string]: string };
  /** The endpoint last written for each peer, as spelled in the spec; null: written without one. */
  endpoints: { readonly [publicKey: string]: string | null };
  /** Peers whose endpoint has no address now: not retried before the timer fires. */
  unresolved: { readonly [publicKey: string]: string };
  /** The port that the kernel chose, to be kept; null while none is known. */
  listenPort: number | null;
  /** MAC addresses that the interface's links had when they were made; absent while none is known. */
  macs?: { readonly mac?: string; readonly farMac?: string };
  /** The netns that the link was made in, before it was moved; absent while none is known. */
  birth?: string;
  /** Where the agent's home is now. */
  places?: { readonly home?: { readonly netns: string } | { readonly reason: string } };
};

/** Whether a device that the interface needs is there. Own fields only: it may be called `constructor`. */
export const hasDevice = ({ devices }: Pick<Observed, 'devices'>, name: string): boolean =>
  Object.hasOwn(devices, name) && devices[name] === true;

/** How the kernel differs from the spec, and the operations that correct it. */
export type Difference = {
  drift: Drift[];
  operations: KernelOperation[];
  /** What is missing; operations that do not depend on it are still listed. */
  waiting: Waiting[];
  /** A foreign link has the name: nothing may be changed. */
  conflict: Conflict | null;
};

/**
 * One kind of interface. All functions are pure; `Spec` has passed the kind's own schema.
 * The healthy state is an empty difference.
 */
export type KindRules<Spec = InterfaceSpec> = {
  /** Every netns that the interface touches, and how it is found; null is the agent's home. */
  places(spec: Spec): { slot: Slot; container: ContainerSelector | null }[];
  /** The names that this interface claims; a link is looked for by its mark first, then by this name. */
  names(spec: Spec): { slot: Slot; name: string }[];
  /** Names of devices in the target netns that the interface needs. */
  devices(spec: Spec): string[];
  /** Those of them that keep the interface down while they are. Absent: none. */
  mustBeUp?(spec: Spec): string[];
  /** Refs of the secrets it needs. */
  secrets(spec: Spec): string[];
  /** What the kernel shows of the kind's own attributes where all is well, under the name of the kind. Absent: it has none. */
  attributes?(spec: Spec): Partial<KindAttributes>;
  diff(spec: Spec, known: Knowledge, observed: Observed): Difference;
};
