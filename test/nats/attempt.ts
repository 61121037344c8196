import { createLog, systemRandom } from '@ifactor/common';
import { answerQuestions } from '@ifactor/bridge';
import {
  eventStoreOf,
  knownNodesStream,
  knownNodeSubject,
  makeConsumer,
  namesOf,
  nodesStream,
  nodeSubject,
  streams,
} from '@ifactor/common/nats';
import type { Names } from '@ifactor/common/nats';
import { desiredFilter, questionSubject } from '@ifactor/crds';
import { jetstreamManager, JetStreamApiError } from '@nats-io/jetstream';
import type { JetStreamManager } from '@nats-io/jetstream';
import { createInbox, PermissionViolationError } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { startGuarded } from './server.ts';
import type { GuardedServer, Member } from './server.ts';
import type { Attempt } from './matrix.ts';

const node = 'lax1';
const place = 'lax1.netlinkinterface.default.a';
const subjects = {
  desired: `ifactor.desired.${place}`,
  status: `ifactor.status.${place}`,
  event: `ifactor.event.${place}.LinkCreated`,
  entry: nodeSubject(node),
  record: knownNodeSubject(node),
};

/** A server that holds one message of each stream, and a connection that may do everything. */
export type Scene = {
  server: GuardedServer;
  admin: NatsConnection;
  manager: JetStreamManager;
  names: Names;
};

/** The operator of another cluster. */
export const strangerTo = (prefix: string | undefined): Member =>
  prefix === undefined ? { role: 'operator', prefix: 'west' } : { role: 'operator' };

export async function openScene(prefix: string | undefined): Promise<Scene> {
  const server = await startGuarded([
    { role: 'node', node, prefix },
    { role: 'node', node: 'lax2', prefix },
    { role: 'bridge', prefix },
    { role: 'page', prefix },
    { role: 'operator', prefix },
    strangerTo(prefix),
  ]);
  const admin = await server.admin(prefix);
  await eventStoreOf(admin).prepare();
  await fill(admin);
  const bridge = await server.connect({ role: 'bridge', prefix });
  answerQuestions({ connection: bridge, store: eventStoreOf(bridge), log: createLog('bridge', 'error') });
  await bridge.flush();
  return { server, admin, manager: await jetstreamManager(admin), names: namesOf(admin) };
}

/** What each attempt finds, whatever another one has taken away. */
export async function fill(admin: NatsConnection): Promise<void> {
  const store = eventStoreOf(admin);
  const message = { body: '{}', headers: {} };
  await store.append(streams.desired, { ...message, subject: subjects.desired });
  await store.append(streams.status, { ...message, subject: subjects.status });
  await store.append(streams.events, { ...message, subject: subjects.event });
  await store.append(knownNodesStream, { ...message, subject: subjects.record });
  await store.append(nodesStream, { ...message, subject: subjects.entry });
  await makeConsumer(admin, streams.desired, node, desiredFilter(node));
}

/**
 * Tries it, and tells whether it had the effect. What the server refuses it refuses before it answers the next PING, so that
 * there is nothing to wait for.
 */
export type Try = (caller: NatsConnection, scene: Scene) => Promise<boolean>;

/** Publishes a message, and looks whether the stream has taken it. */
const publishes =
  (stream: string, subject: string): Try =>
  async (caller, { admin, names }) => {
    const store = eventStoreOf(admin);
    const { last } = await store.state(stream);
    caller.publish(names.subject(subject), '{"forged":true}');
    await caller.flush();
    // The stream takes messages in the order in which the server got them: ours is stored only after that one.
    const { sequence } = await store.append(stream, { subject: `${subject}x`, body: '{}', headers: {} });
    return sequence > last + 1;
  };

/** Asks, and looks whether somebody heard it. */
const asks =
  (name: string): Try =>
  async (caller, { admin, names }) => {
    const subject = names.subject(name);
    const heard: string[] = [];
    const listening = admin.subscribe(subject, { callback: (_, message) => void heard.push(message.subject) });
    await admin.flush();
    caller.publish(subject, '', { reply: '_INBOX.x' });
    await caller.flush();
    await admin.flush();
    listening.unsubscribe();
    return heard.length > 0;
  };

/** Subscribes, and looks whether a message of somebody else is heard. */
const hears =
  (filter: string, subject: string): Try =>
  async (caller, { admin, names }) => {
    let heard = false;
    const listening = caller.subscribe(names.subject(filter), { callback: (error) => void (heard ||= error === null) });
    await caller.flush();
    admin.publish(names.subject(subject), 'private');
    await admin.flush();
    await caller.flush();
    listening.unsubscribe();
    return heard;
  };

type Works = (scene: Scene) => Promise<boolean>;

/** Sends a request to JetStream, and checks whether it was answered without an error, or what `works` says. */
const calls =
  (subjectOf: (names: Names) => string, body: object, works?: Works): Try =>
  async (caller, scene) => {
    const answer = await caller.request(subjectOf(scene.names), JSON.stringify(body), { timeout: 5000 }).then(
      (message) => message,
      () => null,
    );
    await caller.flush();
    if (works !== undefined) return works(scene);
    return answer !== null && (answer.headers?.code ?? 0) === 0 && !answer.string().includes('"error"');
  };

const exists = (consumer: string, stream: string, { manager, names }: Scene): Promise<boolean> =>
  manager.consumers.info(names.stream(stream), consumer).then(
    () => true,
    (error: unknown) => {
      if (error instanceof JetStreamApiError) return false;
      throw error;
    },
  );

const api = '$JS.API';

/** How each attempt is made. A name of its own for each try where one is made. */
export const tries: Record<Attempt, Try> = {
  'publish a desired state of lax1': publishes(streams.desired, subjects.desired),
  'hear the desired states': hears('ifactor.desired.>', subjects.desired),
  'publish a status of lax1': publishes(streams.status, subjects.status),
  'publish an event of lax1': publishes(streams.events, subjects.event),
  'write the entry of lax1 (KV)': publishes(nodesStream, subjects.entry),
  'write the record of lax1 (KV of known nodes)': publishes(knownNodesStream, subjects.record),
  'ask the agent of lax1 (pause)': asks('ifactor.agent.lax1.pause'),
  'answer for the agent of lax1': hears('ifactor.agent.lax1.pause', 'ifactor.agent.lax1.pause'),
  'ask a bridge in the name of lax1': calls(({ subject }) => subject(questionSubject(node, 'state')), {
    stream: streams.events,
  }),
  'answer for a bridge': hears('ifactor.bridge.*.*', questionSubject(node, 'state')),
  'read any event (`STREAM.MSG.GET`)': (caller, scene) =>
    calls(({ streams: { events } }) => `${api}.STREAM.MSG.GET.${events}`, lastEvent(scene))(caller, scene),
  'read any event (`DIRECT.GET`)': (caller, scene) =>
    calls(({ streams: { events } }) => `${api}.DIRECT.GET.${events}`, lastEvent(scene))(caller, scene),
  'list subjects (`STREAM.INFO`)': calls(({ streams: { events } }) => `${api}.STREAM.INFO.${events}`, {
    subjects_filter: '>',
  }),
  'purge statuses (`STREAM.PURGE`)': calls(
    ({ streams: { status } }) => `${api}.STREAM.PURGE.${status}`,
    {},
    async ({ manager, names }) => (await manager.streams.info(names.streams.status)).state.messages === 0,
  ),
  'change a stream (`STREAM.UPDATE`)': async (caller, scene) => {
    const { events } = scene.names.streams;
    const { config } = await scene.manager.streams.info(events);
    const description = systemRandom.uuid();
    const change = calls(
      () => `${api}.STREAM.UPDATE.${events}`,
      { ...config, description },
      async ({ manager }) => (await manager.streams.info(events)).config.description === description,
    );
    return change(caller, scene);
  },
  'take from the consumer of lax1 (`MSG.NEXT`)': takes,
  'look at the consumer of lax1 (`INFO`)': calls(
    ({ streams: { desired } }) => `${api}.CONSUMER.INFO.${desired}.${node}`,
    {},
  ),
  'delete the consumer of lax1': calls(
    ({ streams: { desired } }) => `${api}.CONSUMER.DELETE.${desired}.${node}`,
    {},
    async (scene) => !(await exists(node, streams.desired, scene)),
  ),
  'create a consumer of events (`deliver_subject` of others)': creates(streams.events),
  'create a consumer of desired states': creates(streams.desired),
  'hear what lax1 is answered (its inbox)': hears('_INBOX.node.lax1.>', '_INBOX.node.lax1.x.1'),
  'hear what the bridge is answered': hears('_INBOX.role.bridge.>', '_INBOX.role.bridge.x.1'),
  'hear what the operator is answered': hears('_INBOX.*.*', '_INBOX.x.1'),
};

const lastEvent = ({ names }: Scene): object => ({ last_by_subj: names.subject('ifactor.event.>') });

/** Pulls a message, which comes to a subscription: on its own subject, so that it answers no request. */
async function takes(caller: NatsConnection, { manager, names }: Scene): Promise<boolean> {
  const { options } = caller as { options?: { inboxPrefix?: string } };
  const inbox = createInbox(options?.inboxPrefix);
  const taken = Promise.withResolvers<void>();
  caller.subscribe(inbox, { callback: () => taken.resolve() });
  const refused = violation(caller);
  caller.publish(`${api}.CONSUMER.MSG.NEXT.${names.streams.desired}.${node}`, JSON.stringify({ batch: 1 }), {
    reply: inbox,
  });
  await Promise.race([taken.promise, refused]);
  return (await manager.consumers.info(names.streams.desired, node)).delivered.consumer_seq > 0;
}

/** Resolves when the server refuses something to a connection. */
async function violation(connection: NatsConnection): Promise<void> {
  for await (const status of connection.status())
    if (status.type === 'error' && status.error instanceof PermissionViolationError) return;
}

/** A push consumer that delivers to a subject of lax2. */
function creates(stream: string): Try {
  return (caller, scene) => {
    const name = `c${systemRandom.uuid()}`;
    const { names } = scene;
    const deliver_subject = names.subject('ifactor.agent.lax2.pause');
    const config = { name, deliver_subject, ack_policy: 'none', deliver_policy: 'all' };
    const body = { stream_name: names.stream(stream), config, action: 'create' };
    const create = calls(
      () => `${api}.CONSUMER.CREATE.${names.stream(stream)}.${name}`,
      body,
      () => exists(name, stream, scene),
    );
    return create(caller, scene);
  };
}
