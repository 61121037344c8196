import { explain, UsageError } from '@ifactor/common';
import {
  decodeEvent,
  desiredFilter,
  DesiredSchema,
  eventFilter,
  parseDesiredSubject,
  statusFilter,
  StatusMessageSchema,
} from '@ifactor/crds';
import type { RecordedEvent, StatusMessage } from '@ifactor/crds';
import { connectOnce, hidePasswords, namesOf, streams } from '@ifactor/common/nats';
import { natsFlagOptions } from '@ifactor/common/natsFlags';
import { DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { JsMsg, OrderedConsumerOptions } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { environmentOf, readManifest, labDir } from '@ifactor/lab';
import { selectsEvent } from './selector.ts';
import type { Selector } from './selector.ts';
import type { LogSource, ReachFlags, Stretch, WantedInterface } from './source.ts';
import { clockSlackMs, missing, patienceMs, startOf } from './startOf.ts';

/** Messages per request. */
const batchSize = 500;
/** A batch that takes longer than this counts as lost, in milliseconds. */
const answerTimeoutMs = 10_000;

/** Where the streams are, as it may be shown: without a password that the address holds. @throws UsageError */
export function natsName(flags: ReachFlags): string {
  return hidePasswords(serversOf(flags).servers);
}

/** What the flags, the environment or the lab of this folder name. @throws UsageError */
function serversOf({ nats, dir }: ReachFlags): { servers: string; credentials: Record<string, string> } {
  const servers = nats ?? process.env['NATS_URL'];
  if (servers !== undefined) return { servers, credentials: {} };
  const lab = readManifest(labDir(dir));
  if (lab === undefined) {
    throw new UsageError(
      'no NATS server is known: give --nats, set NATS_URL, or run this where a lab is up (or use --journal or --file)',
    );
  }
  const { NATS_URL = '', ...rest } = environmentOf(lab);
  return {
    servers: NATS_URL,
    credentials: {
      ...Object.fromEntries(Object.entries(rest).filter(([name]) => name.startsWith('NATS_'))),
      IFACTOR_PREFIX: rest['IFACTOR_PREFIX'] ?? '',
    },
  };
}

/** The connection that the flags, the environment or the lab of this folder name. @throws UsageError */
export async function connectBy(flags: ReachFlags): Promise<NatsConnection> {
  const { creds } = flags;
  const { servers, credentials } = serversOf(flags);
  Object.assign(process.env, credentials);
  try {
    return await connectOnce({
      servers,
      name: 'ifactor',
      ...(creds === undefined ? {} : { creds }),
      ...natsFlagOptions(flags),
    });
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new Error(`cannot reach NATS at ${hidePasswords(servers)}`, { cause });
  }
}

/** The log as JetStream holds it. */
export async function openStream(flags: ReachFlags): Promise<LogSource> {
  const connection = await connectBy(flags);
  return {
    events: (selector, stretch) => events(connection, selector, false, stretch),
    follow: (selector, stretch) => events(connection, selector, true, stretch),
    bounds: async () => {
      const manager = await jetstreamManager(connection, { checkAPI: false });
      const stream = namesOf(connection).stream(streams.events);
      const { state } = await manager.streams.info(stream).catch(missing(stream));
      return { first: state.first_seq, last: state.last_seq };
    },
    startOf: (selector, count) => startOf(connection, filtersOf(selector), count, selector.until),
    statuses: () => statuses(connection, false),
    followStatuses: () => statuses(connection, true),
    wanted: () => wanted(connection),
    onConnection: (tell) => void tellConnection(connection, tell),
    close: () => connection.close(),
  };
}

async function* statuses(connection: NatsConnection, follow: boolean): AsyncGenerator<StatusMessage> {
  const options = { filter_subjects: [statusFilter()], deliver_policy: DeliverPolicy.LastPerSubject };
  for await (const message of messages(connection, streams.status, options, follow)) {
    const parsed = StatusMessageSchema.safeParse(JSON.parse(message.string()));
    if (parsed.success) yield parsed.data;
  }
}

async function* wanted(connection: NatsConnection): AsyncGenerator<WantedInterface> {
  const names = namesOf(connection);
  for await (const message of desired(connection)) {
    const { node, ...key } = parseDesiredSubject(names.logical(message.subject));
    const parsed = DesiredSchema.safeParse(JSON.parse(message.string()));
    if (parsed.success && !parsed.data.deleted) yield { node, key, spec: parsed.data.spec };
  }
}

/** Reads without a consumer if the server can: a user that may create one under any name may replace those of the nodes. */
async function* desired(connection: NatsConnection): AsyncGenerator<{ subject: string; string(): string }> {
  const [major = 0, minor = 0] = (connection.info?.version ?? '').split('.').map(Number);
  if (major === 2 && minor < 11) {
    const options = { filter_subjects: [desiredFilter()], deliver_policy: DeliverPolicy.LastPerSubject };
    yield* messages(connection, streams.desired, options, false);
    return;
  }
  const names = namesOf(connection);
  const name = names.stream(streams.desired);
  for (let seq = 1, found = true; found;) {
    found = false;
    // Not the client's own getBatch, which fails on a stream without messages.
    const asked = JSON.stringify({ seq, batch: batchSize, next_by_subj: names.subject(desiredFilter()) });
    const answers = await connection.requestMany(`$JS.API.DIRECT.GET.${name}`, asked, {
      strategy: 'sentinel',
      maxWait: answerTimeoutMs,
    });
    for await (const message of answers) {
      const subject = message.headers?.get('Nats-Subject') ?? '';
      // The end of a batch, or no message at all.
      if (subject === '') break;
      found = true;
      seq = Number(message.headers?.get('Nats-Sequence')) + 1;
      yield { subject, string: () => message.string() };
    }
  }
}

async function tellConnection(connection: NatsConnection, tell: (up: boolean) => void): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type === 'disconnect') tell(false);
    if (type === 'reconnect') tell(true);
  }
}

/** The subjects that the selected events are under, and few others. */
function filtersOf({ node, kind, namespace, name, types }: Selector): string[] {
  const place = {
    ...(node === undefined ? {} : { node }),
    ...(kind === undefined ? {} : { kind }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
  };
  return types === undefined
    ? [eventFilter(place)]
    : [...new Set(types)].map((type) => eventFilter({ ...place, type }));
}

async function* events(
  connection: NatsConnection,
  selector: Selector,
  follow: boolean,
  { after = 0, upTo = Infinity }: Stretch = {},
): AsyncGenerator<RecordedEvent> {
  const { since } = selector;
  const names = namesOf(connection);
  const options: Options = { filter_subjects: filtersOf(selector) };
  if (after > 0) {
    options.deliver_policy = DeliverPolicy.StartSequence;
    options.opt_start_seq = after + 1;
  } else if (since !== undefined) {
    options.deliver_policy = DeliverPolicy.StartTime;
    options.opt_start_time = new Date(since - clockSlackMs).toISOString();
  }
  for await (const message of messages(connection, streams.events, options, follow)) {
    if (message.seq > upTo) return;
    let event: RecordedEvent;
    try {
      event = decodeEvent(names.logical(message.subject), message.headers, message.string());
    } catch (error) {
      process.stderr.write(`ifactor: left out message ${message.seq}: ${explain(error)}\n`);
      continue;
    }
    if (selectsEvent(selector, event)) yield event;
    if (message.seq >= upTo) return;
  }
}

type Options = Omit<Partial<OrderedConsumerOptions>, 'filter_subjects'> & { filter_subjects: string[] };

async function* messages(
  connection: NatsConnection,
  stream: string,
  { filter_subjects: filters, ...options }: Options,
  follow: boolean,
): AsyncGenerator<JsMsg> {
  const names = namesOf(connection);
  const name = names.stream(stream);
  const consumer = await jetstream(connection, { timeout: patienceMs })
    .consumers.get(name, { ...options, filter_subjects: filters.map(names.subject) })
    .catch(missing(name));
  const { num_pending: waiting } = await consumer.info();
  if (waiting === 0 && !follow) return;
  const consumed = await consumer.consume({ max_messages: 2000 });
  try {
    for await (const message of consumed) {
      yield message;
      if (!follow && message.info.pending === 0) return;
    }
  } finally {
    consumed.stop();
  }
}
