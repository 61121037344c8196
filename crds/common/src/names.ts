import type { NatsConnection } from '@nats-io/transport-node';
import { UsageError } from './cli.ts';

const kv = '$KV.';

/** Names of the streams without a prefix: code refers to them by these. */
export const streams = {
  desired: 'IFACTOR_DESIRED',
  events: 'IFACTOR_EVENTS',
  status: 'IFACTOR_STATUS',
} as const;
/** The bucket of the nodes, without a prefix. */
export const nodesBucket = 'ifactor_nodes';
/** The stream behind that bucket, and the subject of a node's entry in it. Entries expire. */
export const nodesStream = `KV_${nodesBucket}`;
export const nodeSubject = (node: string): string => `${kv}${nodesBucket}.${node}`;
/** The bucket in which the bridge records every node that has registered: its entries stay until the node is forgotten. */
const knownNodesBucket = 'ifactor_known_nodes';
export const knownNodesStream = `KV_${knownNodesBucket}`;
export const knownNodeSubject = (node: string): string => `${kv}${knownNodesBucket}.${node}`;

/**
 * The names in NATS for a connection. Two clusters that share one NATS have a prefix each: subjects are
 * `<prefix>.ifactor.…`, streams `<prefix>_IFACTOR_…`, buckets `<prefix>_ifactor_…`, the service `<prefix>-ifactor-agent`.
 */
export type Names = {
  /** Absent: none. */
  readonly prefix: string | undefined;
  /** Names of the streams on the server. */
  readonly streams: Readonly<Record<keyof typeof streams, string>>;
  /** Name of a stream on the server. */
  readonly stream: (name: string) => string;
  /** Name of the nodes' bucket on the server, and of the bucket of known nodes. */
  readonly nodesBucket: string;
  readonly knownNodesBucket: string;
  /** Name of the agents' micro service on the server. */
  readonly agentService: string;
  /** A subject or filter of ours, as it is on the server. */
  readonly subject: (name: string) => string;
  /** Reverses `subject`; a subject of another program stays unchanged. */
  readonly logical: (subject: string) => string;
};

/** Format of a prefix: one token of a subject that is valid in names of streams and buckets too. */
const prefixPattern = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/;

/** The prefix itself. @throws UsageError if it cannot begin names in NATS */
export function checkedPrefix(prefix: string | undefined): string | undefined {
  if (prefix !== undefined && !prefixPattern.test(prefix))
    throw new UsageError(
      `prefix ${JSON.stringify(prefix)} cannot begin names in NATS: give up to 32 lower-case letters, digits and "-"`,
    );
  return prefix;
}

export function namesFor(prefix: string | undefined): Names {
  const [token, word] = prefix === undefined ? ['', ''] : [`${prefix}.`, `${prefix}_`];
  const stream = (name: string): string => (name.startsWith('KV_') ? `KV_${word}${name.slice(3)}` : word + name);
  return {
    prefix,
    streams: { desired: stream(streams.desired), events: stream(streams.events), status: stream(streams.status) },
    stream,
    nodesBucket: word + nodesBucket,
    knownNodesBucket: word + knownNodesBucket,
    agentService: `${prefix === undefined ? '' : `${prefix}-`}ifactor-agent`,
    subject: (name) => (name === '>' ? name : name.startsWith(kv) ? kv + word + name.slice(kv.length) : token + name),
    logical: (subject) => {
      if (subject.startsWith(kv + word)) return kv + subject.slice(kv.length + word.length);
      return subject.startsWith(token) ? subject.slice(token.length) : subject;
    },
  };
}

const known = new WeakMap<NatsConnection, Names>();
const plain = namesFor(undefined);

/** Call once, before the connection is used. */
export const setNames = (connection: NatsConnection, names: Names): void => void known.set(connection, names);

/** The names of a connection, as passed to `connect`. */
export const namesOf = (connection: NatsConnection): Names => known.get(connection) ?? plain;
