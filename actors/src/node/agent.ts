import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { explain } from '@ifactor/common';
import { formatStatusSubject, machineVersion } from '@ifactor/crds';
import type { Log } from '@ifactor/common';
import type { Desired, Key, NodeEntry } from '@ifactor/crds';
import { connect } from '@ifactor/common/nats';
import type { NatsOptions } from '@ifactor/common/nats';
import type { NatsConnection } from '@nats-io/transport-node';
import { createPlaces, ProcessRecords } from '../containers/index.ts';
import type { PlacesOptions } from '../containers/index.ts';
import { openKernel } from '../kernel/index.ts';
import { systemClock } from '@ifactor/common';
import { followDesired } from './session/desiredFollower.ts';
import { AnotherAgent, startHeartbeat } from './session/heartbeat.ts';
import { loadIdentity } from './secrets/identity.ts';
import { keyOf, newFacts, sameSecrets } from './session/facts.ts';
import { openJournal, recoverJournal } from './journal/journal.ts';
import type { Journal } from './journal/journal.ts';
import { JournalError } from './journal/error.ts';
import { spellKey } from './journal/read.ts';
import type { Actor } from './runner/actor.ts';
import { StatusPublisher } from './session/statusPublisher.ts';
import { Runner } from './runner/runner.ts';
import { Secrets } from './secrets/secrets.ts';
import { startService } from './session/service.ts';
import { Shipper } from './shipping/shipper.ts';
import { statusMessage, refreshDetails } from './session/status.ts';
import { DesiredStore } from './session/desiredStore.ts';
import { answers, Backoff, pause } from './session/connection.ts';

export type AgentOptions = {
  node: string;
  nats: NatsOptions;
  /** Folder of the journal, the keys and the WireGuard sockets; one agent at a time. */
  stateDir: string;
  /** Links that a netns may have; one with more is refused. Default: 20 000. */
  maxLinks?: number;
  places: Omit<PlacesOptions, 'kernel' | 'log' | 'processes'>;
  version: string;
  log: Log;
};

export type Agent = {
  /** Rejects when the agent cannot go on, such as when another one serves the node. */
  readonly failed: Promise<never>;
  /** Lets go of everything. Links stay, and tunnels go on. */
  stop(): Promise<void>;
};

/** Events are kept on the node for a month or half a gigabyte, whichever is less; in JetStream as its stream says. */
const retention = { maxAge: 30 * 24 * 3600 * 1000, maxBytes: 512 * 1024 * 1024 };
const pruneEvery = 3600 * 1000;
/** The status of an interface that operations are in flight for waits so long for their end, in milliseconds. */
const busyStatus = 1000;

/**
 * Starts a node's agent. Interfaces come up from the journal at once, whether or not NATS answers.
 * @throws JournalError where the state folder cannot be used
 */
export function startAgent(options: AgentOptions): Agent {
  const { node, stateDir, log } = options;
  const journal = journalIn(stateDir, node, log);
  const identity = loadIdentity(stateDir);
  const secrets = new Secrets(identity, stateDir);
  const kernel = openKernel({
    stateDir,
    report: (error) => log.warn('kernel', { error: explain(error) }),
    ...(options.maxLinks === undefined ? {} : { maxLinks: options.maxLinks }),
  });
  const processes = new ProcessRecords(join(stateDir, 'processes.json'));
  const places = createPlaces({ ...options.places, kernel, processes, log });
  const host = { node, hostname: hostname() };
  const stored = new DesiredStore(journal, log);
  /** What came while no event could be made: of each object the last. */
  const held = new Map<string, { key: Key; desired: Desired }>();
  const stopping = new AbortController();
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => undefined);
  let publisher: StatusPublisher | undefined;
  let shipper: Shipper | undefined;
  let connected: NatsConnection | undefined;

  const runner = new Runner({
    node,
    places,
    journal,
    secrets,
    clock: systemClock,
    log,
    nats: async () => connected !== undefined && answers(connected),
    // An interface that is being made is told of when that is done, or takes long.
    changed: (actor) => {
      const { running, asked, confirm } = actor.snapshot.context;
      if (!confirm?.trial && !confirm?.rolledBack)
        attempt(log, 'cannot drop the secrets of a former spec', () => secrets.drop(actor.key));
      const busy = running !== null || asked.observe || asked.places;
      publisher?.touch(actor.id, busy ? busyStatus : undefined);
    },
    looked: (actor) => {
      if (refreshDetails(actor, Date.now())) publisher?.touch(actor.id);
    },
    forgotten: ({ key, id }) => {
      secrets.forget(key);
      stored.delete(id);
    },
    stored: () => shipper?.wake(),
    recovered: () => {
      stored.settle();
      // After what was told before: news is what an actor has not folded.
      setImmediate(() => {
        const missed = [...held.values()];
        held.clear();
        for (const { key, desired } of missed) put(key, desired);
      });
    },
  });

  /** Takes in the last word on an object. */
  const put = (key: Key, desired: Desired): void => {
    const id = spellKey(key);
    if (runner.parked || held.size > 0) {
      held.set(id, { key, desired });
      return;
    }
    const known = runner.actors.get(id)?.snapshot.context.desired;
    if (desired.deleted && !known) return;
    const actor = runner.actor(key);
    if (known && known.uid !== desired.uid && !desired.deleted) secrets.forget(key);
    const before = stored.get(id);
    stored.put(id, desired);
    if (before && desired.spec['confirm'] !== undefined) {
      attempt(log, 'cannot keep the secrets of the former spec; a rollback may lack them', () =>
        secrets.keep(key, before.secrets),
      );
    }
    secrets.learn(key, desired);
    const facts = newFacts(actor, desired);
    for (const fact of facts) runner.tell(actor, fact, causeOf(desired));
    if (!sameSecrets(before, desired)) tellSecrets(actor, desired);
  };

  const tellSecrets = (actor: Actor, desired: Desired): void => {
    const { context } = actor.snapshot;
    for (const { ref } of [...desired.secrets, ...desired.missing]) {
      const fact = secrets.resolve(actor.key, ref);
      const fresh =
        fact.type === 'SecretResolved'
          ? fact.data.fingerprint !== context.secrets[ref] || context.missing[ref] !== undefined
          : true;
      if (fresh) runner.tell(actor, fact, causeOf(desired));
    }
  };

  for (const desired of stored.all()) {
    const key = keyOf(desired);
    if (key) secrets.learn(key, desired);
  }
  runner.restore(options.version);
  for (const desired of stored.all()) {
    const key = keyOf(desired);
    if (!key) continue;
    const actor = runner.actor(key);
    const known = actor.snapshot.context.desired;
    // Of a time before the disk was full: the log knows more.
    if (known?.uid === desired.uid && known.generation > desired.generation) continue;
    for (const fact of newFacts(actor, desired)) runner.tell(actor, fact, causeOf(desired));
  }
  if (runner.actors.size > 0) log.info('brings up what the journal holds', { interfaces: runner.actors.size });

  const pruner = setInterval(
    () =>
      attempt(log, 'cannot prune the journal', () => {
        const { heldBy } = journal.prune(retention);
        runner.save(heldBy);
      }),
    pruneEvery,
  );
  pruner.unref();

  /** What a person should know of the node as a whole. */
  const trouble = (): NodeEntry['trouble'] => {
    const { parked, trouble: reason } = runner;
    return reason === null
      ? undefined
      : {
          parked,
          message: `${reason}; ${parked ? 'interfaces are left as they are until then' : 'events wait in memory'}`,
        };
  };

  /** What has been started, the last first; all of it ends also where the rest could not be started. */
  const stops: (() => Promise<void>)[] = [];
  const letGo = async (): Promise<void> => {
    for (const stop of stops.splice(0))
      await stop().catch((error: unknown) => log.debug('stopping', { error: explain(error) }));
  };
  const serve = async (connection: NatsConnection): Promise<void> => {
    const entry = {
      node,
      hostname: host.hostname,
      version: options.version,
      machine: machineVersion,
      sealKey: identity.sealKey,
      journal: journal.id,
      instance: randomUUID(),
    };
    const heartbeat = await startHeartbeat({ connection, log, entry, trouble, rival: failure.reject });
    stops.unshift(() => heartbeat.stop());
    const ship = (shipper = new Shipper({ connection, journal, log }));
    stops.unshift(() => ship.stop());
    const status = (publisher = new StatusPublisher({
      connection,
      node,
      log,
      keys: () => runner.actors.keys(),
      value: (id) => {
        const actor = runner.actors.get(id);
        const message = actor ? statusMessage(actor, host) : null;
        return actor && message
          ? { subject: formatStatusSubject({ node, ...actor.key }), payload: JSON.stringify(message) }
          : null;
      },
    }));
    stops.unshift(() => status.stop());
    const service = await startService({ connection, node, runner, version: options.version });
    stops.unshift(() => service.stop());
    let ready = false;
    const desired = followDesired({
      connection,
      node,
      log,
      put,
      malformed: (subject, error) =>
        log.warn('ignores a message that is no desired object', { subject, error: explain(error) }),
      caughtUp: (keys) => {
        // Of what the stream does not speak the bridge is asked, by a status: only its tombstone says that an object is gone.
        for (const id of runner.actors.keys()) if (!keys.has(id)) status.touch(id);
        if (!ready) log.info('ready');
        ready = true;
      },
    });
    stops.unshift(() => desired.stop());
    sayConnection(connection, log);
  };
  /** Till the node is served: NATS can go away again right after it was reached. @throws AnotherAgent, and what `connect` throws */
  const reach = async (): Promise<void> => {
    for (const backoff = new Backoff(); ;) {
      const connection = await connect(options.nats, log, stopping.signal);
      stops.unshift(() => connection.close());
      connected = connection;
      try {
        return await serve(connection);
      } catch (error) {
        if (stopping.signal.aborted || error instanceof AnotherAgent) throw error;
        log.warn('cannot take up service with NATS now; tries again', { error: explain(error) });
        await letGo();
        await pause(backoff.next(), stopping.signal);
      }
    }
  };
  const serving = reach().catch((error: unknown) => {
    if (!stopping.signal.aborted) failure.reject(error);
  });

  return {
    failed: failure.promise,
    stop: async () => {
      stopping.abort();
      clearInterval(pruner);
      // What the actors let go of now is selected still.
      processes.close();
      runner.stop();
      await serving;
      await letGo();
      places.close();
      await kernel.close();
      journal.close();
    },
  };
}

/** What an apply sets off is told by the object and its version. */
const causeOf = ({ uid, resourceVersion }: Desired) => ({ id: '', correlation: `${uid}@${resourceVersion}` });

/** A journal that is torn or of a later version is set aside: the node goes on from what the kernel shows. */
function journalIn(stateDir: string, node: string, log: Log): Journal {
  try {
    return openJournal(stateDir, { node });
  } catch (error) {
    if (!(error instanceof JournalError) || (error.code !== 'Torn' && error.code !== 'Newer')) throw error;
    const { journal, aside } = recoverJournal(stateDir, { node });
    log.error('begins a new journal; adopts what the kernel shows', { error: explain(error), aside });
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

function sayConnection(connection: NatsConnection, log: Log): void {
  const follow = async (): Promise<void> => {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') log.warn('NATS is away; the node goes on healing and tells later');
      if (type === 'reconnect') log.info('NATS is back');
    }
  };
  void follow();
}
