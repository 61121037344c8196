import { explain, sleep } from '@ifactor/common';
import { connect } from '@ifactor/common/nats';
import { startAgent } from './agent.ts';
import type { Agent, AgentOptions } from './agent.ts';
import { AnotherAgent, waitUntilVacant } from './session/heartbeat.ts';
import { JournalError } from './journal/error.ts';
import type { Runtime } from '../runtime.ts';

/**
 * Runs a node's agent until `stop`. If another agent serves the node, it reports that, changes nothing, and takes the node over
 * once the other agent has stopped. It also changes nothing until the disk has room for a journal.
 * @throws JournalError where the state folder cannot be used, and any other error that the agent cannot recover from
 * @param intervalMs between two checks for the other agent, or for room
 */
export async function serve(
  options: AgentOptions,
  runtime: Runtime,
  stop: AbortSignal,
  intervalMs?: number,
): Promise<void> {
  const { node, nats } = options;
  const { clock, log } = runtime;
  const stopped = new Promise<null>((resolve) => {
    if (stop.aborted) resolve(null);
    stop.addEventListener('abort', () => resolve(null), { once: true });
  });
  while (!stop.aborted) {
    const agent = await startWithRoom(options, runtime, stop, intervalMs);
    if (agent === null) return;
    let rival: AnotherAgent | null;
    try {
      rival = await Promise.race([stopped, agent.failed]);
    } catch (error) {
      if (!(error instanceof AnotherAgent)) throw error;
      rival = error;
    } finally {
      await agent.stop();
    }
    if (rival === null) return;
    log.error(`${explain(rival)}. Standing by: this agent takes over when that one is gone`);
    const connection = await connect(nats, log, stop).catch((error: unknown) => {
      if (stop.aborted) return null;
      throw error;
    });
    if (connection === null) return;
    try {
      await waitUntilVacant(connection, node, clock, stop, intervalMs);
    } finally {
      await connection.close();
    }
    if (!stop.aborted) log.info(`the other agent of node ${node} is gone; taking over`);
  }
}

/** @returns null when stopped before there was room */
async function startWithRoom(
  options: AgentOptions,
  runtime: Runtime,
  stop: AbortSignal,
  intervalMs = 5000,
): Promise<Agent | null> {
  for (let said = false; !stop.aborted; said = true) {
    try {
      return startAgent(options, runtime);
    } catch (error) {
      if (!(error instanceof JournalError) || error.code !== 'Full') throw error;
      if (!said) runtime.log.error(`${explain(error)}. The agent starts when there is room`);
      await sleep(runtime.clock, intervalMs, stop);
    }
  }
  return null;
}
