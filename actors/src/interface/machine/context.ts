import type { Drift, EventData, InterfaceSpec, Key, Observed, Operation, Slot } from '@ifactor/crds';
import type { AddressCheck } from './addressCheck.ts';
import type { Confirm } from './confirm.ts';
import type { ModeHold, Pause } from './hold.ts';
import type { Recheck } from './recheck.ts';
import type { StrayLeft } from './stray.ts';
import type { Verdict, Work } from './verdict.ts';

/** A failure that keeps the actor from going on. `until`: when it is tried again; null: not before the spec changes or the agent restarts. */
export type Failure = { until: string | null } & (
  | { code: 'NotConverging'; work: Work; drift: readonly Drift[] }
  /** Another program undoes these fields. `times` within a minute; null: as soon as they are set. */
  | { code: 'Contested'; fields: string; times: number | null }
  /** The agent itself failed to do a step; `text` is what was thrown. */
  | { code: 'InternalError'; step: string; text: string }
  /** An error of the kernel, in its words. */
  | { code: 'Refused'; errno: string; text: string; module: string | null }
);

/** What a slot resolves to: the inode of a netns, or why it does not resolve. */
export type SlotPlace = { netns: string } | { reason: string };

/** Everything an actor knows. Plain JSON: the fold of its events, and nothing else. */
export type Context = {
  key: Key;
  desired: Omit<EventData['SpecChanged'], 'spec'> | null;
  /** In force, as the kind's schema reads it: the last one that kept to it; null where none did yet. */
  spec: InterfaceSpec | null;
  /** The declared spec, where it breaks its schema; null: it does not. */
  refused: { spec: unknown } | null;
  deletion: EventData['DeletionRequested'] | null;
  confirm?: Confirm;
  /** The requested pause; null: not paused. */
  paused: Pause | null;
  /** Absent: `spec.mode` is Manage. */
  hold?: ModeHold;
  /** Fingerprints by ref. */
  secrets: { [ref: string]: string };
  /** Why secrets are not available, by ref. */
  missing: { [ref: string]: string };
  places: { [S in Slot]?: SlotPlace };
  taken: { [S in Slot]?: { name: string; by: string } };
  /** Objects that depend on each other in a circle, from this one back to itself. Absent: it depends on no such circle. */
  loop?: readonly string[];
  observed: Observed | null;
  /** Links with the mark, where none belongs, that could not be removed. Absent: none. */
  left?: readonly StrayLeft[];
  /** Absent: no address is being checked. */
  addressCheck?: AddressCheck;
  /** Absent: no address was found to be another host's. */
  recheck?: Recheck;
  endpoints: { [publicKey: string]: string | null };
  /** Addresses that their host names resolved to when they were written, `ip:port`. */
  resolved?: { [publicKey: string]: string };
  unresolved: { [publicKey: string]: string };
  /** Those that the kernel gave to the links it made for us. */
  macs?: { mac?: string; farMac?: string };
  /** The netns that the tunnel was made in, where its UDP socket stays; absent: none is known. */
  birth?: string;
  /** The port the kernel chose. */
  listenPort: number | null;
  failure: Failure | null;
  /** Failures in a row, which the back-off grows by. */
  attempts: number;
  /** Rounds of operations in a row after which the kernel still differed. */
  stuck: number;
  /** Consecutive fights with another program; the back-off grows with them even if there was no drift in between. Absent: none. */
  fight?: { times: number; last: string };
  /** Drift seen lately, oldest first. */
  drifts: { time: string; fields: string }[];
  /** Whether it has been healthy since the spec last changed. */
  settled: boolean;
  /** Lookups asked for and not answered yet. */
  asked: { secrets: boolean; places: boolean; observe: boolean };
  /** The id of the operations in flight. */
  running: string | null;
  /** They were decided for another spec, or before the deletion: their outcome is ignored. Absent: their outcome counts. */
  outdated?: true;
  /** Counts the lists of operations, which their ids are made of. */
  round: number;
  verdict: Verdict;
  /** Ready as the conditions have it, and since when. */
  ready: { status: 'True' | 'False' | 'Unknown'; since: string };
  /** Timers that the event at hand starts, until it is responded to. Absent: none. */
  due?: readonly Operation[];
  /** What the last event asks the runner to do. */
  operations: Operation[];
};

export const timers = {
  retry: 'retry',
  endpoints: 'endpoints',
  addresses: 'addresses',
  duplicates: 'duplicates',
  pause: 'pause',
} as const;

/** Shared by all that know nothing of something: contexts are replaced, never changed. */
export const nothing: { readonly [name: string]: never } = Object.freeze({});

/** No lookup is awaited. */
export const unasked: Context['asked'] = { secrets: false, places: false, observe: false };

/** The context of an actor that has received no event. */
export const initialContext = (key: Key): Context => ({
  key,
  desired: null,
  spec: null,
  refused: null,
  deletion: null,
  paused: null,
  secrets: nothing,
  missing: nothing,
  places: nothing,
  taken: nothing,
  observed: null,
  endpoints: nothing,
  unresolved: nothing,
  listenPort: null,
  failure: null,
  attempts: 0,
  stuck: 0,
  drifts: [],
  settled: false,
  asked: unasked,
  running: null,
  round: 0,
  verdict: { state: 'pending', finding: 'nothingDeclared', reason: 'Unknown' },
  ready: { status: 'Unknown', since: '1970-01-01T00:00:00.000Z' },
  operations: [],
});
