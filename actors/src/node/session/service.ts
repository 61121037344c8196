import { Svcm } from '@nats-io/services';
import { z } from 'zod';
import type { ServiceMsg } from '@nats-io/services';
import { namesOf } from '@ifactor/common/nats';
import { agentSubject } from '@ifactor/crds';
import type { NatsConnection } from '@nats-io/transport-node';
import { withoutUndefined } from '../../interface/diff/withoutUndefined.ts';
import { freeze, hashOf } from '../../interface/machine/fold.ts';
import { parseKey } from '../journal/read.ts';
import type { AgentProcess } from '../process.ts';
import type { Actor } from '../runner/actor.ts';
import type { Runner } from '../runner/runner.ts';
import type { Secrets } from '../secrets/secrets.ts';

export type ServiceOptions = {
  connection: NatsConnection;
  agent: Pick<AgentProcess, 'node' | 'version' | 'runner' | 'secrets'>;
};

/** What is done to each interface that a request names. Answers are JSON: what was asked about, or `{error}`. */
type Action = { description: string; act: (actor: Actor, runner: Runner, request: Request) => unknown };

const actions: { [name: string]: Action } = {
  snapshot: {
    description: 'The folded state of an actor, with its hash.',
    act: (actor) => ({
      key: actor.key,
      hash: hashOf(actor.snapshot),
      lastEvent: actor.lastEvent,
      ...freeze(actor.snapshot),
    }),
  },
  resync: {
    description: 'Reads the kernel again.',
    act: (actor, runner, { by }) => {
      const { paused, hold } = actor.snapshot.context;
      runner.tell(actor, { type: 'ResyncRequested', data: { by } }, null);
      if (paused === null && !hold) return undefined;
      const why = paused === null ? `spec.mode is ${hold?.mode}` : `paused by ${paused.by} since ${paused.since}`;
      return unchanged(actor, `${why}: the kernel is observed but not changed`);
    },
  },
  pause: {
    description: 'Leaves the interface alone until resumed, or until a time.',
    act: (actor, runner, { by, reason, until }) => {
      runner.tell(actor, { type: 'Paused', data: { by, ...withoutUndefined({ reason, until }) } }, null);
      if (actor.declared.deletion === null) return undefined;
      return unchanged(actor, 'it is being deleted, which goes on');
    },
  },
  resume: {
    description: 'Continues after a pause.',
    act: (actor, runner, { by }) => {
      const { hold } = actor.snapshot.context;
      runner.tell(actor, { type: 'Resumed', data: { by } }, null);
      return hold ? unchanged(actor, `spec.mode is ${hold.mode}: nothing is changed before it is Manage`) : undefined;
    },
  },
};

const unchanged = ({ key }: Actor, note: string): object => ({ key, accepted: true, changes: false, note });

/**
 * The NATS micro service `ifactor-agent`: `ifactor.agent.<node>.<action>`, whose request names an interface as
 * `<kind>/<namespace>/<name>`, or is empty for all of the node; or is JSON that says who asks, and why (`RequestSchema`). `purge-keys`
 * is about objects that are gone.
 */
export async function startService({ connection, agent }: ServiceOptions): Promise<{ stop(): Promise<void> }> {
  const { node, version, runner, secrets } = agent;
  const names = namesOf(connection);
  const service = await new Svcm(connection).add({
    name: names.agentService,
    version,
    description: `ifactor's agent of node ${node}`,
    metadata: { node },
  });
  const group = service.addGroup(names.subject(agentSubject(node)));
  for (const [name, { description, act }] of Object.entries(actions)) {
    group.addEndpoint(name, {
      metadata: { description },
      handler: (error, message) => {
        if (!error) guarded(message, () => answer(message, act, runner));
      },
    });
  }
  group.addEndpoint('purge-keys', {
    metadata: { description: 'Destroys the retired private keys of a deleted object, or of all deleted objects.' },
    handler: (error, message) => {
      if (!error) guarded(message, () => purgeKeys(message, secrets));
    },
  });
  return {
    stop: async () => {
      await service.stop();
    },
  };
}

/**
 * A request that fails is answered with the error; the service goes on. A message without a reply subject is ignored: a client that
 * may create a consumer can make JetStream deliver messages to any subject, including these.
 */
function guarded(message: ServiceMsg, handle: () => void): void {
  if (!message.reply || message.reply.startsWith('$JS.')) return;
  try {
    handle();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    message.respondError(500, text, JSON.stringify({ error: text }));
  }
}

function purgeKeys(message: ServiceMsg, secrets: Secrets): void {
  const asked = message.string().trim();
  message.respond(JSON.stringify({ purged: secrets.retired.purge(asked === '' ? null : parseKey(asked)) }));
}

type Request = z.infer<typeof RequestSchema>;

/** `interface` is as in a request in plain text. `until`: the end of a pause, RFC 3339. */
const RequestSchema = z.strictObject({
  interface: z.string().default(''),
  by: z.string().min(1).max(256).default('nats request'),
  reason: z.string().min(1).max(1024).optional(),
  until: z.iso.datetime({ offset: true }).optional(),
});

/** @throws Error that says what is wrong with the request */
function readRequest(text: string): Request {
  if (!text.startsWith('{')) return RequestSchema.parse({ interface: text });
  const { data, error } = RequestSchema.safeParse(JSON.parse(text));
  if (data === undefined) throw new Error(`malformed request: ${z.prettifyError(error)}`);
  return data;
}

function answer(message: ServiceMsg, act: Action['act'], runner: Runner): void {
  const request = readRequest(message.string().trim());
  const asked = request.interface;
  const actors = [...runner.actors.values()].filter(({ id }) => asked === '' || id === asked);
  if (asked !== '' && actors.length === 0) {
    const known = [...runner.actors.keys()].slice(0, 20).join(', ') || 'none';
    message.respondError(
      404,
      `no interface ${asked} on this node; known: ${known}`,
      JSON.stringify({ error: 'not found' }),
    );
    return;
  }
  message.respond(
    JSON.stringify(actors.map((actor) => act(actor, runner, request) ?? { key: actor.key, accepted: true })),
  );
}
