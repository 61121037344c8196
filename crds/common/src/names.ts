import type { NatsConnection } from '@nats-io/transport-node';

const kv = '$KV.';

/** The streams, by the names that they have where no prefix is set: code knows them by these. */
export const streams = {
  desired: 'IFACTOR_DESIRED',
  events: 'IFACTOR_EVENTS',
  status: 'IFACTOR_STATUS',
} as const;
/** The bucket of the nodes, as `streams`. */
export const nodesBucket = 'ifactor_nodes';
/** The stream behind that bucket, and the subject of a node's entry in it. */
export const nodesStream = `KV_${nodesBucket}`;
export const nodeSubject = (node: string): string => `${kv}${nodesBucket}.${node}`;

/**
 * What things are called in the NATS that a connection leads to. Two clusters that share one NATS have a prefix each: subjects are
 * `<prefix>.ifactor.…`, streams `<prefix>_IFACTOR_…`, the bucket `<prefix>_ifactor_nodes`, the service `<prefix>-ifactor-agent`.
 */
export type Names = {
  /** Absent: none. */
  readonly prefix: string | undefined;
  /** As the server knows a stream. */
  readonly stream: (name: string) => string;
  /** As the server knows the bucket of the nodes. */
  readonly nodesBucket: string;
  /** As the server knows the micro service of the agents. */
  readonly agentService: string;
  /** As the server knows a subject or filter of ours. */
  readonly subject: (name: string) => string;
  /** What `subject` made of one of ours; another program's stays as it is. */
  readonly logical: (subject: string) => string;
};

/** What a prefix looks like: one token of a subject that is a name for streams and buckets too. */
export const prefixPattern = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/;

export function namesFor(prefix: string | undefined): Names {
  const [token, word] = prefix === undefined ? ['', ''] : [`${prefix}.`, `${prefix}_`];
  return {
    prefix,
    stream: (name) => (name.startsWith('KV_') ? `KV_${word}${name.slice(3)}` : word + name),
    nodesBucket: word + nodesBucket,
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

/** To be called once, before the connection is used. */
export const setNames = (connection: NatsConnection, names: Names): void => void known.set(connection, names);

/** The names that hold on a connection, as `connect` was told. */
export const namesOf = (connection: NatsConnection): Names => known.get(connection) ?? plain;
