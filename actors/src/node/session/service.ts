import { Svcm } from '@nats-io/services';
import type { ServiceMsg } from '@nats-io/services';
import type { NatsConnection } from '@nats-io/transport-node';
import { freeze, hashOf } from '../../interface/machine/fold.ts';
import type { Actor } from '../runner/actor.ts';
import type { Runner } from '../runner/runner.ts';

export type ServiceOptions = { connection: NatsConnection; node: string; runner: Runner; version: string };

/** Answers of the service are JSON: what was asked about, or `{error}`. */
type Action = (actor: Actor, runner: Runner) => unknown;

const by = 'nats request';

const actions: { [name: string]: { description: string; act: Action } } = {
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
    description: 'Looks at the kernel anew.',
    act: (actor, runner) => runner.tell(actor, { type: 'ResyncRequested', data: { by } }, null),
  },
  pause: {
    description: 'Leaves the interface alone until resumed.',
    act: (actor, runner) => runner.tell(actor, { type: 'Paused', data: { by } }, null),
  },
  resume: {
    description: 'Goes on after a pause.',
    act: (actor, runner) => runner.tell(actor, { type: 'Resumed', data: { by } }, null),
  },
};

/**
 * The NATS micro service `ifactor-agent`: `ifactor.agent.<node>.<action>`, whose request names an interface as
 * `<kind>/<namespace>/<name>`, or is empty for all of the node.
 */
export async function startService({
  connection,
  node,
  runner,
  version,
}: ServiceOptions): Promise<{ stop(): Promise<void> }> {
  const service = await new Svcm(connection).add({
    name: 'ifactor-agent',
    version,
    description: `ifactor's agent of node ${node}`,
    metadata: { node },
  });
  const group = service.addGroup(`ifactor.agent.${node.replaceAll('.', '_')}`);
  for (const [name, { description, act }] of Object.entries(actions)) {
    group.addEndpoint(name, {
      metadata: { description },
      handler: (error, message) => {
        if (!error) answer(message, act, runner);
      },
    });
  }
  return {
    stop: async () => {
      await service.stop();
    },
  };
}

function answer(message: ServiceMsg, act: Action, runner: Runner): void {
  const asked = message.string().trim();
  const actors =
    asked === '' ? [...runner.actors.values()] : [...runner.actors.values()].filter(({ id }) => id === asked);
  if (asked !== '' && actors.length === 0) {
    const known = [...runner.actors.keys()].slice(0, 20).join(', ') || 'none';
    message.respondError(
      404,
      `no interface ${asked} on this node; known: ${known}`,
      JSON.stringify({ error: 'not found' }),
    );
    return;
  }
  message.respond(JSON.stringify(actors.map((actor) => act(actor, runner) ?? { key: actor.key, accepted: true })));
}
