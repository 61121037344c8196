import { hostname } from 'node:os';
import { jetstream, JetStreamApiCodes, JetStreamApiError, jetstreamManager } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { DesiredSchema } from '@ifactor/crds';
import { streams } from '@ifactor/common/nats';
import type { Desired } from '@ifactor/crds';
import type { Draft } from '../desired/draft.ts';
import type { Sealer } from '../desired/seal.ts';
import type { Entry, Follower } from './follower.ts';

/** Header that holds `Draft.content`: tells without opening anything whether a message says what is wanted now. */
export const contentHeader = 'ifactor-content';

export type Publisher = {
  /**
   * Makes the draft the last message on the subject, and returns when the stream has stored it; does nothing where it
   * already is. May be repeated after any failure.
   * @throws Error where the stream did not answer; the caller tries again
   */
  publish(subject: string, draft: Draft): Promise<void>;
  /** Removes what the status stream holds on a subject. */
  purgeStatus(subject: string): Promise<void>;
  /** Removes a tombstone, and nothing that was published over it meanwhile. */
  purgeTombstone(entry: Entry): Promise<void>;
  /** Brings `last` to what the stream itself holds on a subject now. */
  reread(subject: string): Promise<void>;
};

const removed = 'ifactor.DesiredRemoved';

export function createPublisher(connection: NatsConnection, last: Follower, sealer: Sealer): Publisher {
  const js = jetstream(connection);
  // A lost answer costs this long before the next try.
  const timeout = 5000;

  async function store(subject: string, wanted: Draft, again = ''): Promise<void> {
    const { desired, open, sealKey, content } = wanted;
    const expected = last.get(subject)?.sequence ?? 0;
    const body: Desired = {
      ...desired,
      secrets: sealKey === undefined ? [] : open.map((secret) => sealer.seal(secret, sealKey)),
    };
    // The sequence is part of the id: to want again what was wanted before is another message, a second try is not.
    const id = `${desired.uid}@${desired.resourceVersion}#${content}:${expected}${again}`;
    const attributes = headers();
    attributes.set('ce-specversion', '1.0');
    attributes.set('ce-id', id);
    attributes.set('ce-source', `/ifactor/bridge/${hostname()}`);
    attributes.set('ce-type', desired.deleted === true ? removed : 'ifactor.Desired');
    attributes.set('ce-subject', `${desired.kind.toLowerCase()}/${desired.namespace}/${desired.name}`);
    attributes.set('ce-time', new Date().toISOString());
    attributes.set('ce-correlationid', `${desired.uid}@${desired.resourceVersion}`);
    attributes.set('content-type', 'application/json');
    attributes.set(contentHeader, content);
    const payload = JSON.stringify(body);
    const ack = await js.publish(subject, payload, {
      msgID: id,
      expect: { streamName: streams.desired, lastSubjectSequence: expected },
      headers: attributes,
      timeout,
    });
    if (ack.duplicate && again === '') {
      await reread(subject);
      // The server remembers for minutes what it has stored, though it was taken out since.
      return contentOf(last.get(subject)) === content ? undefined : store(subject, wanted, `~${Date.now()}`);
    }
    last.put({ subject, sequence: ack.seq, time: Date.now(), header: (name) => attributes.get(name), body: payload });
  }

  /** Reads the subject's last message from the stream itself. */
  async function reread(subject: string): Promise<void> {
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout });
    const message = await manager.streams.getMessage(streams.desired, { last_by_subj: subject });
    if (message === null) {
      last.forget(subject);
      return;
    }
    const { seq: sequence, header, time } = message;
    // Forgotten first: in a stream made anew the right entry has the lower number.
    last.forget(subject);
    last.put({ subject, sequence, time: time.getTime(), header: (name) => header.get(name), body: message.string() });
  }

  return {
    async publish(subject, draft) {
      if (contentOf(last.get(subject)) === draft.content) return;
      try {
        await store(subject, draft);
      } catch (error) {
        if (!(error instanceof JetStreamApiError) || error.code !== JetStreamApiCodes.StreamWrongLastSequence)
          throw error;
        // Somebody else was first, or an earlier try of ours was stored and its answer lost. (2.15 says so even where
        // older servers answer "duplicate".)
        await reread(subject);
        if (contentOf(last.get(subject)) !== draft.content) await store(subject, draft);
      }
    },
    async purgeStatus(subject) {
      const manager = await jetstreamManager(connection, { checkAPI: false, timeout });
      await manager.streams.purge(streams.status, { filter: subject });
    },
    async purgeTombstone({ subject, sequence }) {
      const manager = await jetstreamManager(connection, { checkAPI: false, timeout });
      await manager.streams.purge(streams.desired, { filter: subject, seq: sequence + 1 });
      if (last.get(subject)?.sequence === sequence) last.forget(subject);
    },
    reread,
  };
}

function contentOf(entry: Entry | undefined): string | undefined {
  return entry?.header(contentHeader);
}

export function isTombstone(entry: Entry): boolean {
  return entry.header('ce-type') === removed;
}

/** The `Desired` in a message of ours, undefined where it is none. */
export function readDesired(entry: Entry): Desired | undefined {
  try {
    return DesiredSchema.safeParse(JSON.parse(entry.body)).data;
  } catch {
    return undefined;
  }
}
