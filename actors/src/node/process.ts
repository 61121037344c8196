import { hostname } from 'node:os';
import { join } from 'node:path';
import { every, explain } from '@ifactor/common';
import type { Log } from '@ifactor/common';
import type { NodeEntry } from '@ifactor/crds';
import { createNetnsResolver, ProcessRecords } from '../containers/index.ts';
import type { NetnsResolverOptions } from '../containers/index.ts';
import { openKernel } from '../kernel/index.ts';
import type { Runtime } from '../runtime.ts';
import { DesiredReceiver } from './desired/receiver.ts';
import { DesiredStore } from './desired/store.ts';
import { JournalError } from './journal/error.ts';
import { openJournal, recoverJournal } from './journal/journal.ts';
import type { Journal } from './journal/journal.ts';
import { Runner } from './runner/runner.ts';
import { loadIdentity } from './secrets/identity.ts';
import type { Identity } from './secrets/identity.ts';
import { Secrets } from './secrets/secrets.ts';
import { Intake } from './trust/intake.ts';
import { Trust } from './trust/trust.ts';

export type ProcessOptions = {
  node: string;
  version: string;
  /** Folder of the journal, the keys and the WireGuard sockets; one agent at a time. */
  stateDir: string;
  places: NetnsResolverOptions;
  /** Links that a netns may have; one with more is refused. Default: 20 000. */
  maxLinks?: number;
  /** For how many days the keys of a deleted interface wait for an object of the same name. */
  keepKeysDays: number;
  /** The bridge's public key, where the state folder has none yet. Default: that of the first message with a signature. */
  trustKey?: string;
};

/** The part of the agent that runs for the whole life of the process, whether or not NATS answers. */
export type AgentProcess = {
  readonly node: string;
  readonly version: string;
  readonly hostname: string;
  /** Unique to this run of the agent. */
  readonly instance: string;
  readonly identity: Identity;
  readonly journal: Journal;
  readonly secrets: Secrets;
  readonly runner: Runner;
  readonly receiver: DesiredReceiver;
  readonly trust: Trust;
  readonly intake: Intake;
  /** Problems of the node as a whole. */
  trouble(): NodeEntry['trouble'];
  /** Stops deciding and releases the interfaces; events that are already stored can still be published. */
  halt(): void;
  /** Releases everything else. To be called after `halt`. */
  stop(): Promise<void>;
};

/** Events are kept on the node for a month or half a gigabyte, whichever is less; in JetStream as its stream says. */
const dayMs = 24 * 3600 * 1000;
const retention = { maxAge: 30 * dayMs, maxBytes: 512 * 1024 * 1024 };
const pruneEveryMs = 3600 * 1000;

/**
 * Starts the part of the agent that needs no NATS. Interfaces are restored from the journal at once.
 * @param natsAnswers whether NATS answers now; never rejects
 * @throws JournalError where the state folder cannot be used
 */
export function startProcess(
  { node, version, stateDir, keepKeysDays, maxLinks, trustKey, ...options }: ProcessOptions,
  runtime: Runtime,
  natsAnswers: () => Promise<boolean>,
): AgentProcess {
  const { clock, log, random } = runtime;
  // The order of start: each of these needs those before it.
  const journal = openOrRecover(stateDir, node, runtime);
  const trust = new Trust({ folder: stateDir, journal, runtime, ...(trustKey === undefined ? {} : { key: trustKey }) });
  const identity = loadIdentity(stateDir);
  const secrets = new Secrets(identity, stateDir, clock);
  const kernel = openKernel({
    stateDir,
    clock,
    report: (error) => log.warn('kernel', { error: explain(error) }),
    ...(maxLinks === undefined ? {} : { maxLinks }),
  });
  const processes = new ProcessRecords(join(stateDir, 'processes.json'));
  const places = createNetnsResolver(options.places, { kernel, processes, runtime });
  const runner = new Runner({ runtime, places, journal, secrets, natsAnswers });
  const receiver = new DesiredReceiver(runner, new DesiredStore(journal, log), secrets, log);
  const intake = new Intake(trust, runner, node, runtime);
  receiver.learnSecrets();
  runner.restore(version);
  receiver.restore();
  if (runner.actors.size > 0) log.info('restored interfaces from the journal', { interfaces: runner.actors.size });
  const housekeeping = (): void => {
    attempt(log, 'failed to prune the journal', () => {
      const { heldBy } = journal.prune({ ...retention, now: clock.now() });
      runner.save(heldBy);
    });
    attempt(log, 'failed to remove revisions of deleted objects', () => trust.keepHouse((id) => runner.actors.has(id)));
    attempt(log, 'failed to remove expired keys', () => {
      for (const name of secrets.retired.expire(keepKeysDays * dayMs)) log.info('removed an expired key', { name });
    });
  };
  const stopHousekeeping = every(clock, pruneEveryMs, housekeeping);
  return {
    node,
    version,
    hostname: hostname(),
    instance: random.uuid(),
    identity,
    journal,
    secrets,
    runner,
    receiver,
    trust,
    intake,
    trouble: () => {
      const { parked, trouble: reason } = runner;
      if (reason === null) return undefined;
      return { parked, message: `${reason}; ${parked ? 'changes are suspended' : 'events are kept in memory'}` };
    },
    // Parts stop in the reverse order of their start.
    halt: () => {
      stopHousekeeping();
      // First: the actors that stop below release their processes, but specs still select them.
      processes.close();
      runner.stop();
    },
    stop: async () => {
      places.close();
      await kernel.close();
      journal.close();
    },
  };
}

/** A journal that is torn or of a later version is set aside: the node continues from what the kernel shows. */
function openOrRecover(stateDir: string, node: string, { clock, log }: Runtime): Journal {
  try {
    return openJournal(stateDir, { node });
  } catch (error) {
    if (!(error instanceof JournalError) || (error.code !== 'Torn' && error.code !== 'Newer')) throw error;
    const { journal, aside } = recoverJournal(stateDir, { node }, new Date(clock.now()));
    log.error('started a new journal; adopting what the kernel shows', { error: explain(error), aside });
    return journal;
  }
}

function attempt(log: Log, what: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    log.error(what, { error: explain(error) });
  }
}
