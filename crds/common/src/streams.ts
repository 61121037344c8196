import { DiscardPolicy, JetStreamApiError, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import type { JetStreamManager, StreamConfig, StreamInfo } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { KV } from '@nats-io/kv';
import { millis, nanos } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { UsageError } from './cli.ts';
import { knownNodesStream, namesOf, nodesStream, streams } from './names.ts';
import type { Names } from './names.ts';

/** The largest message that our streams accept, headers included: the default limit of a server. */
export const maxMessageBytes = 1 << 20;

const mebibyte = 1 << 20;
/** Copies of each stream if a cluster can hold them: one server may fail. Two copies would stop when either one fails. */
const defaultReplicas = 3;
/** Fraction of the usual size that is requested if the server has no room for all of it. */
const smallPart = 1 / 16;

/** Of the stream behind a bucket. */
const bucketPrefix = 'KV_';

type Configuration = Pick<StreamConfig, 'name' | 'max_bytes' | 'discard'> & Partial<StreamConfig>;

/**
 * The last message of an object must not be dropped for another object's, so these streams refuse messages when full; the history
 * drops its oldest messages instead, so that it never blocks desired state or status.
 */
const configurations: readonly Configuration[] = [
  {
    name: streams.desired,
    subjects: ['ifactor.desired.>'],
    description: 'What is wanted of each interface: the last message per object.',
    max_msgs_per_subject: 1,
    max_bytes: 512 * mebibyte,
    discard: DiscardPolicy.New,
  },
  {
    name: streams.events,
    subjects: ['ifactor.event.>'],
    description: 'What happened to each interface, in order.',
    max_age: nanos(30 * 24 * 3600 * 1000),
    max_bytes: 2048 * mebibyte,
    discard: DiscardPolicy.Old,
  },
  {
    name: streams.status,
    subjects: ['ifactor.status.>'],
    description: 'How each interface is: the last message per object.',
    max_msgs_per_subject: 1,
    max_bytes: 512 * mebibyte,
    discard: DiscardPolicy.New,
  },
];
/**
 * How long the entry of a node that sends no heartbeat stays. A multiple of what makes a node silent: the entry only frees its
 * place, since the bridge has recorded the node.
 */
const nodeEntryAge = nanos(7 * 24 * 3600 * 1000);
const bucketConfigurations: readonly Configuration[] = [
  { name: nodesStream, max_bytes: 64 * mebibyte, discard: DiscardPolicy.New, max_age: nodeEntryAge },
  { name: knownNodesStream, max_bytes: 16 * mebibyte, discard: DiscardPolicy.New },
];

/** All our streams, by their names on a server. */
const configurationsOn = ({ stream, subject }: Names): Configuration[] => [
  ...configurations.map(({ name, subjects = [], ...rest }) => ({
    ...rest,
    name: stream(name),
    subjects: subjects.map(subject),
  })),
  ...bucketConfigurations.map(({ name, ...rest }) => ({ ...rest, name: stream(name) })),
];

/** Copies of each stream; absent: as many as the streams that are there have, else 3, or 1 without a cluster of three. */
export type StreamOptions = { replicas?: number };

/** Creates missing streams and the bucket; leaves existing ones unchanged, since an operator may have tuned them. */
export async function ensureStreams(connection: NatsConnection, options: StreamOptions = {}): Promise<KV> {
  await createMissing(connection, options);
  return new Kvm(connection).open(namesOf(connection).nodesBucket);
}

/** As `ensureStreams`, for callers that do not need the bucket. */
export async function createMissing(connection: NatsConnection, { replicas }: StreamOptions = {}): Promise<void> {
  const manager = await jetstreamManager(connection);
  const present = new Map<string, StreamInfo>();
  for await (const info of manager.streams.list()) present.set(info.config.name, info);
  const names = namesOf(connection);
  const ours = configurationsOn(names);
  const missing = ours.filter(({ name }) => !present.has(name));
  if (missing.length === 0) return;
  const kvm = new Kvm(connection);
  const kept = Math.max(0, ...ours.map(({ name }) => present.get(name)?.config.num_replicas ?? 0));
  const counts = replicas !== undefined ? [replicas] : kept > 0 ? [kept] : [defaultReplicas, 1];
  for (const configuration of missing) {
    await firstAccepted(counts, (count, part) => create(manager, kvm, configuration, count, part));
  }
}

/** Tries each number of copies at full size, then smaller. */
async function firstAccepted(
  counts: readonly number[],
  attempt: (count: number, part: number) => Promise<unknown>,
): Promise<void> {
  const attempts = counts.flatMap((count) => [
    [count, 1],
    [count, smallPart],
  ]);
  for (const [at, [count = 1, part = 1]] of attempts.entries()) {
    try {
      await attempt(count, part);
      return;
    } catch (error) {
      // Another program created it a moment ago.
      if (hasCode(error, errorCodes.nameInUse)) return;
      if (at === attempts.length - 1 || !hasCode(error, ...errorCodes.noRoom)) throw error;
    }
  }
}

async function create(
  manager: JetStreamManager,
  kvm: Kvm,
  { name, ...configuration }: Configuration,
  count: number,
  part: number,
): Promise<void> {
  const max_bytes = Math.floor(configuration.max_bytes * part);
  if (name.startsWith(bucketPrefix)) {
    const { max_age } = configuration;
    await kvm.create(name.slice(bucketPrefix.length), {
      history: 1,
      replicas: count,
      max_bytes,
      maxValueSize: maxMessageBytes,
      ...(max_age !== undefined && { ttl: millis(max_age) }),
    });
    return;
  }
  await manager.streams.add({
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    allow_direct: true,
    ...configuration,
    name,
    subjects: configuration.subjects ?? [],
    max_bytes,
    max_msg_size: maxMessageBytes,
    num_replicas: count,
  });
}

/** One stream before and after `raiseStreams`. */
export type RaisedStream = { name: string; replicas: [before: number, after: number]; maxBytes: number };

/**
 * Gives the streams of an older installation their sizes and copies, and creates those that are missing. Bounds that an
 * operator set are kept. Returns when the server accepted it; the copies fill up afterwards.
 * @throws UsageError where the server cannot hold so many copies
 */
export async function raiseStreams(connection: NatsConnection, options: StreamOptions = {}): Promise<RaisedStream[]> {
  await ensureStreams(connection, options);
  const manager = await jetstreamManager(connection);
  const raised: RaisedStream[] = [];
  for (const { name, max_bytes, discard } of configurationsOn(namesOf(connection))) {
    const { config } = await manager.streams.info(name);
    const bounded = {
      ...(config.max_bytes <= 0 && { max_bytes, discard }),
      ...(config.max_msg_size <= 0 && { max_msg_size: maxMessageBytes }),
    };
    const counts = options.replicas !== undefined ? [options.replicas] : [defaultReplicas, config.num_replicas];
    let after = config;
    await firstAccepted(counts, async (count, part) => {
      const size = bounded.max_bytes === undefined ? {} : { max_bytes: Math.floor(bounded.max_bytes * part) };
      ({ config: after } = await manager.streams.update(name, { ...bounded, ...size, num_replicas: count }));
    }).catch((cause: unknown) => {
      if (!hasCode(cause, ...errorCodes.noRoom)) throw cause;
      throw new UsageError(`${name} cannot have ${counts[0]} replicas here: ${(cause as Error).message}`, { cause });
    });
    raised.push({ name, replicas: [config.num_replicas, after.num_replicas], maxBytes: after.max_bytes });
  }
  return raised;
}

/** Whether every copy of every stream of ours has all messages. */
export async function streamsAreCurrent(connection: NatsConnection): Promise<boolean> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  for (const { name } of configurationsOn(namesOf(connection))) {
    const { config, cluster } = await manager.streams.info(name);
    const followers = cluster?.replicas ?? [];
    if (config.num_replicas > 1 && (!cluster?.leader || followers.length < config.num_replicas - 1)) return false;
    if (followers.some(({ current, offline }) => !current || offline)) return false;
  }
  return true;
}

/**
 * Lets entries of silent nodes expire in a bucket of an older release, which kept them. Call when every node is recorded
 * among the known ones. An age that an operator set is kept.
 */
export async function expireNodeEntries(connection: NatsConnection): Promise<void> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const name = namesOf(connection).stream(nodesStream);
  const { config } = await manager.streams.info(name);
  if (config.max_age === 0) await manager.streams.update(name, { max_age: nodeEntryAge });
}

/** Metadata of a stream, such as its cluster; undefined if the stream does not exist. */
export async function readStreamMetadata(
  connection: NatsConnection,
  stream: string = streams.desired,
): Promise<Record<string, string> | undefined> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  try {
    return { ...(await manager.streams.info(namesOf(connection).stream(stream))).config.metadata };
  } catch (error) {
    if (hasCode(error, errorCodes.streamNotFound)) return undefined;
    throw error;
  }
}

/** Sets these entries of a stream's metadata; others and the rest of its configuration stay. */
export async function writeStreamMetadata(
  connection: NatsConnection,
  entries: Record<string, string>,
  stream: string = streams.desired,
): Promise<void> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const name = namesOf(connection).stream(stream);
  const { config } = await manager.streams.info(name);
  await manager.streams.update(name, { metadata: { ...config.metadata, ...entries } });
}

/** Error codes of nats-server (server/errors.json). */
const errorCodes = {
  nameInUse: 10058,
  streamNotFound: 10059,
  /** No peers, insufficient resources, insufficient storage, replicas without a cluster. */
  noRoom: [10005, 10002, 10023, 10047, 10074],
};

function hasCode(error: unknown, ...codes: readonly number[]): boolean {
  return error instanceof JetStreamApiError && codes.includes(error.code);
}
