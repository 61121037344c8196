import type { EventData, InterfaceSpec, Key, Observed, Operation, Slot, State } from '@ifactor/crds';
import type { Confirm } from './confirm.ts';

/** What the actor has decided: its state, why, and what it waits for, in words. */
export type Verdict = {
  state: State;
  /** CamelCase, as in the Ready condition. */
  reason: string;
  message: string;
};

/** A failure that keeps the actor from going on. */
export type Failure = {
  code: string;
  message: string;
  module: string | null;
  /** When it is tried again; null: not before the spec changes or the agent restarts. */
  until: string | null;
};

/** Where a slot leads: an inode, or why nowhere. */
export type Place = { netns: string } | { reason: string; message: string };

/** Everything an actor knows. Plain JSON: the fold of its events, and nothing else. */
export type Context = {
  key: Key;
  desired: Omit<EventData['SpecChanged'], 'spec'> | null;
  /** In force, as the kind's schema reads it: the last one that kept to it; null where none did yet. */
  spec: InterfaceSpec | null;
  /** How the declared spec breaks its schema; null: it does not. */
  problem: string | null;
  deletion: EventData['DeletionRequested'] | null;
  confirm?: Confirm;
  /** Who paused the actor; null: it runs. */
  paused: string | null;
  /** Fingerprints by ref. */
  secrets: { [ref: string]: string };
  missing: { [ref: string]: { reason: string; message: string } };
  places: { [S in Slot]?: Place };
  taken: { [S in Slot]?: { name: string; by: string } };
  observed: Observed | null;
  endpoints: { [publicKey: string]: string | null };
  /** What the host names among them stood for when they were written, `ip:port`. */
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
  /** Fights with another program in a row, which the back-off grows by even if there was peace in between; absent: none. */
  fight?: { times: number; last: string };
  /** Drift seen lately, oldest first. */
  drifts: { time: string; fields: string }[];
  /** Whether it has been healthy since the spec last changed. */
  settled: boolean;
  /** Lookups asked for and not answered yet. */
  asked: { secrets: boolean; places: boolean; observe: boolean };
  /** The id of the operations in flight. */
  running: string | null;
  /** Counts the lists of operations, which their ids are made of. */
  round: number;
  verdict: Verdict;
  /** Ready as the conditions have it, and since when. */
  ready: { status: 'True' | 'False' | 'Unknown'; since: string };
  /** What the last event asks the runner to do. */
  operations: Operation[];
};

export const timers = { retry: 'retry', endpoints: 'endpoints' } as const;

/** Shared by all that know nothing of something: contexts are replaced, never changed. */
export const nothing: { readonly [name: string]: never } = Object.freeze({});

/** An actor that has heard nothing yet. */
export const initialContext = (key: Key): Context => ({
  key,
  desired: null,
  spec: null,
  problem: null,
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
  asked: { secrets: false, places: false, observe: false },
  running: null,
  round: 0,
  verdict: { state: 'pending', reason: 'Unknown', message: 'no spec has arrived yet' },
  ready: { status: 'Unknown', since: '1970-01-01T00:00:00.000Z' },
  operations: [],
});
