import { hostname } from 'node:os';
import { timestamp } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import { SequenceConflict, StreamFull } from '@ifactor/common/eventStore';
import type { EventStore } from '@ifactor/common/eventStore';
import { streams } from '@ifactor/common/nats';
import { cloudEventHeaders, DesiredSchema } from '@ifactor/crds';
import type { Desired } from '@ifactor/crds';
import type { Draft } from '../desired/draft.ts';
import type { Sealer } from '../desired/seal.ts';
import { NotLeadingError } from '../kube/fence.ts';
import type { Signer } from '../signing/signer.ts';
import type { Entry, StreamFollower } from './follower.ts';

/**
 * Writes the desired stream. Every write first checks that this bridge leads, and states the message that it replaces:
 * one of the two checks refuses a decision made before a successor wrote.
 */
export type Publisher = {
  /**
   * Makes the draft the last message on the subject in place of `replaced`, the message that the draft was decided from,
   * and returns when the stream has stored it; does nothing if the subject already has the same content, signed by this bridge's key.
   * @throws SequenceConflict if the subject has a newer message, NotLeadingError; the caller decides again from the current state
   * @throws Error if the stream did not respond; the caller retries
   */
  publish(subject: string, draft: Draft, replaced: Entry | undefined): Promise<void>;
  /** Removes the messages of the status stream on a subject, up to this message. */
  purgeStatus(entry: Entry): Promise<void>;
  /** Removes a tombstone, but nothing that was published after it meanwhile. */
  purgeTombstone(entry: Entry): Promise<void>;
  /** Updates the follower with what the stream itself has on a subject now. */
  reread(subject: string): Promise<void>;
};

export type PublisherOptions = {
  store: EventStore;
  /** Of the desired stream. */
  follower: StreamFollower;
  sealer: Sealer;
  signer: Signer;
  leads: () => boolean;
  clock: Clock;
};

const removed = 'ifactor.DesiredRemoved';

export function createPublisher({ store, follower, sealer, signer, leads, clock }: PublisherOptions): Publisher {
  function assertLeading(what: string): void {
    if (!leads()) throw new NotLeadingError(`${what}: another bridge may lead by now`);
  }

  /** @param how `expected`: the sequence of the subject's last message; `again`: makes the message id another one */
  async function append(
    subject: string,
    draft: Draft,
    replaced: Entry | undefined,
    { expected = replaced?.sequence ?? 0, again = '' } = {},
  ): Promise<void> {
    const { desired, open, sealKey, content } = draft;
    const body: Desired = {
      ...desired,
      secrets: sealKey === undefined ? [] : open.map((secret) => sealer.seal(secret, sealKey)),
    };
    const text = JSON.stringify(body);
    // The id includes the sequence: returning to an earlier desired state is another message, a retry is not.
    const id = `${desired.uid}@${desired.resourceVersion}#${content}:${expected}${again}`;
    const headers: Record<string, string> = {
      ...cloudEventHeaders({
        id,
        source: `/ifactor/bridge/${hostname()}`,
        type: desired.deleted === true ? removed : 'ifactor.Desired',
        subject: `${desired.kind.toLowerCase()}/${desired.namespace}/${desired.name}`,
        time: timestamp(clock),
      }),
      'ce-correlationid': `${desired.uid}@${desired.resourceVersion}`,
      ...signer.sign({ subject, content, body: text }, replaced),
    };
    const message = { subject, body: text, headers, id, expectedSequence: expected };
    // Checked last, right before sending: sealing takes time, and the process may have been stopped meanwhile.
    assertLeading(`publish ${subject}`);
    const { sequence, duplicate } = await store.append(streams.desired, message);
    if (duplicate && again === '') {
      await reread(subject);
      const there = follower.get(subject);
      if (signer.contentOf(there) === content) return;
      // The server keeps the ids of stored messages for minutes, even after a message was removed.
      if (there === undefined) return append(subject, draft, undefined, { again: `~${clock.now()}` });
      throw new SequenceConflict(subject, expected);
    }
    follower.put({ ...message, sequence, time: clock.now(), header: (name) => headers[name] ?? '' });
  }

  /**
   * As `append`. A stream that is full refuses a message that is larger than the one that it replaces, such as a deletion, which is
   * what makes room: so the replaced one goes first. (A subject without a message means nothing to an agent.)
   */
  async function appendOrMakeRoom(subject: string, draft: Draft, replaced: Entry | undefined): Promise<void> {
    try {
      await append(subject, draft, replaced);
    } catch (error) {
      const full = error instanceof StreamFull && error.what === 'stream';
      if (!full || replaced === undefined || draft.desired.deletionTimestamp === undefined) throw error;
      assertLeading(`remove ${subject}`);
      await store.purge(streams.desired, subject, replaced.sequence);
      await append(subject, draft, replaced, { expected: 0 });
    }
  }

  /** Reads the subject's last message from the stream itself. */
  async function reread(subject: string): Promise<void> {
    const message = await store.last(streams.desired, subject);
    const before = follower.get(subject);
    if (message !== undefined && message.sequence === before?.sequence) return;
    // Remove the old entry first: in a stream that was created again the right entry has the lower sequence.
    follower.forget(subject);
    if (message !== undefined) follower.put(message);
  }

  return {
    async publish(subject, draft, replaced) {
      if (signer.contentOf(replaced) === draft.content) return;
      try {
        await appendOrMakeRoom(subject, draft, replaced);
      } catch (error) {
        if (!(error instanceof SequenceConflict)) throw error;
        await reread(subject);
        // An earlier try was stored but its response was lost, or another bridge has the same desired state.
        if (signer.contentOf(follower.get(subject)) !== draft.content) throw error;
      }
    },
    async purgeStatus({ subject, sequence }) {
      assertLeading(`remove ${subject}`);
      await store.purge(streams.status, subject, sequence);
    },
    async purgeTombstone({ subject, sequence }) {
      assertLeading(`remove ${subject}`);
      await store.purge(streams.desired, subject, sequence);
      if (follower.get(subject)?.sequence === sequence) follower.forget(subject);
    },
    reread,
  };
}

export function isTombstone(entry: Entry): boolean {
  return entry.header('ce-type') === removed;
}

/** The `Desired` in a message of ours, undefined if it is malformed. */
export function readDesired(entry: Entry): Desired | undefined {
  try {
    return DesiredSchema.safeParse(JSON.parse(entry.body)).data;
  } catch {
    return undefined;
  }
}
