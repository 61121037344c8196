import { Backoff, explain, sleep } from '@ifactor/common';
import type { Log } from '@ifactor/common';
import { connect } from '@ifactor/common/nats';
import type { NatsOptions } from '@ifactor/common/nats';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Runtime } from '../runtime.ts';
import { startProcess } from './process.ts';
import type { ProcessOptions } from './process.ts';
import { answers } from './session/connection.ts';
import { AnotherAgent } from './session/heartbeat.ts';
import { startSession } from './session/session.ts';
import type { NatsSession } from './session/session.ts';

export type AgentOptions = ProcessOptions & { nats: NatsOptions };

export type Agent = {
  /** Rejects when the agent cannot go on, such as when another one serves the node. */
  readonly failed: Promise<never>;
  /** Lets go of everything. Links stay, and tunnels go on. */
  stop(): Promise<void>;
};

/** Between two tries to serve a node over NATS. */
const retry = { first: 50, most: 5000 };

/**
 * Starts a node's agent: first the process, which brings interfaces up from the journal at once, then a session with NATS as soon
 * as that answers. Ends in the opposite order, but decides nothing any more once it was asked to stop.
 * @throws JournalError where the state folder cannot be used
 */
export function startAgent({ nats, ...options }: AgentOptions, runtime: Runtime): Agent {
  const { clock, random, log } = runtime;
  const stopping = new AbortController();
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => undefined);
  let connection: NatsConnection | null = null;
  let session: NatsSession | null = null;

  const agent = startProcess(options, runtime, async () => connection !== null && answers(connection, clock));

  const disconnect = async (): Promise<void> => {
    await session?.stop();
    session = null;
    await connection?.close().catch((error: unknown) => log.debug('closing', { error: explain(error) }));
    connection = null;
  };
  /** Until the node is served: NATS can go away again right after it was reached. @throws AnotherAgent, and what `connect` throws */
  const serve = async (): Promise<void> => {
    for (const backoff = new Backoff(retry, random); ;) {
      connection = await connect(nats, log, stopping.signal);
      try {
        session = await startSession(connection, agent, runtime, failure.reject);
        return logConnection(connection, log);
      } catch (error) {
        if (stopping.signal.aborted || error instanceof AnotherAgent) throw error;
        const delayMs = backoff.next();
        log.warn(`NATS services failed to start; retrying in ${(delayMs / 1000).toFixed(1)} s`, {
          error: explain(error),
        });
        await disconnect();
        await sleep(clock, delayMs, stopping.signal);
      }
    }
  };
  const serving = serve().catch((error: unknown) => {
    if (!stopping.signal.aborted) failure.reject(error);
  });

  return {
    failed: failure.promise,
    stop: async () => {
      stopping.abort();
      agent.halt();
      await serving;
      await disconnect();
      await agent.stop();
    },
  };
}

function logConnection(connection: NatsConnection, log: Log): void {
  const follow = async (): Promise<void> => {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect')
        log.warn('lost connection to NATS; healing continues, events will be sent on reconnect');
      if (type === 'reconnect') log.info('reconnected to NATS');
    }
  };
  void follow();
}
