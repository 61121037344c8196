import { explain, UsageError } from '@ifactor/common';
import { decodeEvent, eventFilter, statusFilter, StatusMessageSchema } from '@ifactor/crds';
import type { RecordedEvent, StatusMessage } from '@ifactor/crds';
import { connectOnce, hidePasswords, streams } from '@ifactor/common/nats';
import { natsFlagOptions } from '@ifactor/common/natsFlags';
import { DeliverPolicy, jetstream, JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import type { JsMsg, OrderedConsumerOptions } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { environmentOf, readManifest, labDir } from '@ifactor/lab';
import { selectsEvent } from './selector.ts';
import type { Selector } from './selector.ts';
import type { LogSource, ReachFlags } from './source.ts';

/** Events are stored later than they happen, never earlier; but clocks of nodes differ. */
const slack = 60_000;

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
    credentials: Object.fromEntries(Object.entries(rest).filter(([name]) => name.startsWith('NATS_'))),
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
    events: (selector) => events(connection, selector, false),
    follow: (selector) => events(connection, selector, true),
    statuses: () => statuses(connection, false),
    followStatuses: () => statuses(connection, true),
    onConnection: (tell) => void tellConnection(connection, tell),
    close: () => connection.close(),
  };
}

async function* statuses(connection: NatsConnection, follow: boolean): AsyncGenerator<StatusMessage> {
  const options = { filter_subjects: statusFilter(), deliver_policy: DeliverPolicy.LastPerSubject };
  for await (const message of messages(connection, streams.status, options, follow)) {
    const parsed = StatusMessageSchema.safeParse(JSON.parse(message.string()));
    if (parsed.success) yield parsed.data;
  }
}

async function tellConnection(connection: NatsConnection, tell: (up: boolean) => void): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type === 'disconnect') tell(false);
    if (type === 'reconnect') tell(true);
  }
}

async function* events(connection: NatsConnection, selector: Selector, follow: boolean): AsyncGenerator<RecordedEvent> {
  const { node, kind, namespace, name, types, since } = selector;
  const filter = eventFilter({
    ...(node === undefined ? {} : { node }),
    ...(kind === undefined ? {} : { kind }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(types?.length === 1 && types[0] !== undefined ? { type: types[0] } : {}),
  });
  const options: Partial<OrderedConsumerOptions> = { filter_subjects: filter };
  if (since !== undefined) {
    options.deliver_policy = DeliverPolicy.StartTime;
    options.opt_start_time = new Date(since - slack).toISOString();
  }
  for await (const message of messages(connection, streams.events, options, follow)) {
    let event: RecordedEvent;
    try {
      event = decodeEvent(message.subject, message.headers, message.string());
    } catch (error) {
      process.stderr.write(`ifactor: left out message ${message.seq}: ${explain(error)}\n`);
      continue;
    }
    if (selectsEvent(selector, event)) yield event;
  }
}

async function* messages(
  connection: NatsConnection,
  stream: string,
  options: Partial<OrderedConsumerOptions>,
  follow: boolean,
): AsyncGenerator<JsMsg> {
  const consumer = await jetstream(connection)
    .consumers.get(stream, options)
    .catch((error: unknown) => {
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return null;
      throw error;
    });
  if (consumer === null) throw new Error(`there is no stream ${stream} on this server: no agent has been here yet`);
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
