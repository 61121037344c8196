import { Backoff, explain, orAborted, sleep } from '@ifactor/common';
import type { Runtime } from '../../runtime.ts';
import { encodeEvent } from '@ifactor/crds';
import type { RecordedEvent } from '@ifactor/crds';
import { StreamMissing } from '@ifactor/common/eventStore';
import type { Appended, EventStore } from '@ifactor/common/eventStore';
import { streams } from '@ifactor/common/nats';
import type { Journal } from '../journal/journal.ts';
import { resume } from './resume.ts';
import type { ResumePoint } from './resume.ts';

export type ShipperOptions = {
  store: EventStore;
  journal: Journal;
  runtime: Runtime;
  /** Messages sent and not yet acknowledged, at most. */
  window?: number;
  /** The stream holds so many events of the node that the journal does not: it went back. */
  wentBack?: (events: number) => void;
};

/** After this long without events the stream is looked at again before the next one: it may have been recreated. */
const quietMs = 5000;
/** Between two tries. */
const retry = { first: 50, most: 5000 };
/** The node's own work goes first: what it records is shipped when the journal has stopped growing for so long, */
const lullMs = 20;
/** or has kept on growing for so long, */
const patienceMs = 1000;
/** or is so many events ahead. */
const mostWaiting = 10_000;
/** Room for headers in a message of the largest size that the server takes. */
const headroomBytes = 4096;
/** What is shipped is noted in the journal so much later. */
const saveMs = 100;

/**
 * Ships the journal to IFACTOR_EVENTS, in order and exactly once.
 *
 * - Publishes of one connection are stored in order, and the message id makes a second try harmless.
 * - After anything unusual the session ends, and the next one begins with `resume`, which reads what is there.
 * - Bytes of a broken connection may be stored after that look. The first message of a session is therefore sent alone,
 *   and expects that its subject has not moved; all later ones of the old connection are duplicates by their id, or come
 *   first and make ours duplicates: either way in order.
 */
export class Shipper {
  readonly #options: ShipperOptions;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  /** Events whose message id the server knows from a message that is deleted: they need another id. */
  readonly #spent = new Set<number>();
  #wake = Promise.withResolvers<void>();
  #idle: (() => void)[] = [];
  #cancelSave: (() => void) | null = null;
  /** When the journal last grew, by the monotonic clock. */
  #grew = -Infinity;
  #shipped: Journal['shipped'];

  constructor(options: ShipperOptions) {
    this.#options = options;
    this.#shipped = options.journal.shipped;
    this.#ended = this.#run();
  }

  /** Says that the journal has grown. */
  wake(): void {
    this.#grew = this.#options.runtime.clock.monotonic();
    this.#wake.resolve();
  }

  /** Events that are not known to be stored yet. */
  get lag(): number {
    return this.#options.journal.last() - this.#shipped.sequence;
  }

  /** Resolves when every event of the journal is stored. */
  idle(): Promise<void> {
    if (this.lag === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Stops, and notes in the journal how far it came; what is left is shipped at the next start. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.wake();
    await this.#ended;
    this.#save();
  }

  async #run(): Promise<void> {
    const { store, runtime } = this.#options;
    const stopped = this.#stop.signal;
    const aborted = new Promise<void>((resolve) => stopped.addEventListener('abort', () => resolve()));
    const backoff = new Backoff(retry, runtime.random);
    for (let failures = 0; !stopped.aborted;) {
      await Promise.race([store.connected(), aborted]);
      if (stopped.aborted) return;
      const broken = store.session();
      const before = this.#shipped.sequence;
      const signal = AbortSignal.any([broken, stopped]);
      try {
        // A request on a broken connection would be waited for until it times out.
        await orAborted(this.#session(signal), signal);
        failures = 0;
        backoff.reset();
        await Promise.race([this.#woken(), aborted]);
      } catch (error) {
        if (stopped.aborted || broken.aborted) continue;
        if (this.#shipped.sequence > before) backoff.reset();
        if (failures++ % 10 === 0)
          runtime.log.warn('failed to ship events; they stay in the journal, retrying', {
            lag: this.lag,
            error: explain(error),
          });
        await sleep(runtime.clock, backoff.next(), stopped, broken);
      }
    }
  }

  #woken(): Promise<void> {
    if (this.lag > 0) return Promise.resolve();
    this.#wake = Promise.withResolvers();
    return this.#wake.promise;
  }

  /** Ships until the journal has been at its end for `quietMs`. @throws where something went wrong */
  async #session(signal: AbortSignal): Promise<void> {
    const { store, journal, runtime } = this.#options;
    const { log } = runtime;
    const look = (): Promise<ResumePoint> => resume(store, journal, this.#shipped, log, signal);
    const place = await look().catch(async (error: unknown) => {
      if (!(error instanceof StreamMissing)) throw error;
      await store.prepare();
      return look();
    });
    if (place.next > journal.last() + 1)
      throw new Error(`the stream holds event ${place.next - 1}, the journal ends at ${journal.last()}`);
    if (place.next < journal.first()) {
      log.warn('events are missing in the stream and no longer in the journal', {
        from: place.next,
        to: journal.first() - 1,
      });
      place.next = journal.first();
    }
    signal.throwIfAborted();
    this.#advance({ sequence: place.next - 1, stream: place.stream });
    // Before anything is sent to a new stream: an agent that ends in between looks for a hole from here on.
    if (journal.shipped.stream?.created !== place.stream.created) this.#save();
    if (place.lacking > 0) this.#options.wentBack?.(place.lacking);
    while (this.lag === 0) {
      if (!(await this.#more(signal))) return;
    }
    await this.#fenced(place, signal);
    await this.#pipeline(place, signal);
  }

  /** Sends a session's first event, which is refused if its subject has a message that `resume` has not seen. */
  async #fenced(place: ResumePoint, signal: AbortSignal): Promise<void> {
    const { store, journal } = this.#options;
    const [event] = journal.read({ from: place.next, to: place.next });
    if (event === undefined) throw new Error(`event ${place.next} is not in the journal`);
    const last = await store.last(streams.events, encode(event).subject);
    if (last !== undefined && last.sequence > place.seen) throw new Error('the stream has grown since it was read');
    signal.throwIfAborted();
    const stored = await this.#publish(event, place, last?.sequence ?? 0);
    signal.throwIfAborted();
    this.#advance({ sequence: event.sequence, stream: { ...place.stream, sequence: stored.sequence } });
  }

  async #pipeline(place: ResumePoint, signal: AbortSignal): Promise<void> {
    const { journal, window = 512 } = this.#options;
    const acks = new Map<number, number>();
    let cursor = this.#shipped.sequence + 1;
    let failed: { error: unknown } | undefined;
    let turn = Promise.withResolvers<void>();
    let flying = 0;
    // What may still be sent before the node's own work goes first again.
    let turnLeft = 0;
    const send = async (event: RecordedEvent): Promise<void> => {
      try {
        const stored = await this.#publish(event, place);
        if (signal.aborted || failed) return;
        acks.set(event.sequence, stored.sequence);
        this.#collect(acks, place);
      } catch (error) {
        failed ??= { error };
      } finally {
        flying--;
        turn.resolve();
      }
    };
    const broken = (): void => turn.resolve();
    signal.addEventListener('abort', broken);
    try {
      for (;;) {
        // What is published after the break can be sent first thing on the next connection, before what was lost.
        signal.throwIfAborted();
        turn = Promise.withResolvers();
        if (flying === 0 && !failed && journal.last() >= cursor) {
          await this.#giveWay(signal);
          turnLeft = window;
        }
        const until = Math.min(journal.last(), cursor + Math.min(window - flying, turnLeft) - 1);
        if (!failed && until >= cursor) {
          for (const event of journal.read({ from: cursor, to: until })) {
            flying++;
            turnLeft--;
            cursor = event.sequence + 1;
            void send(event);
          }
        }
        if (flying > 0) await turn.promise;
        else if (failed) throw failed.error;
        else if (cursor > journal.last() && !(await this.#more(signal))) return;
      }
    } finally {
      signal.removeEventListener('abort', broken);
    }
  }

  /** Waits while the node is busy recording, within limits. */
  async #giveWay(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options.runtime;
    const start = clock.monotonic();
    for (
      let now = start;
      now - this.#grew < lullMs && now - start < patienceMs && this.lag < mostWaiting;
      now = clock.monotonic()
    ) {
      await sleep(clock, lullMs - (now - this.#grew), signal);
      signal.throwIfAborted();
    }
  }

  /** Waits for the journal to grow; false where it did not for `quietMs`. */
  async #more(signal: AbortSignal): Promise<boolean> {
    const { journal, runtime } = this.#options;
    const end = this.#shipped.sequence;
    if (journal.last() > end) return true;
    this.#wake = Promise.withResolvers();
    const calm = new AbortController();
    await Promise.race([this.#wake.promise, sleep(runtime.clock, quietMs, signal, calm.signal)]);
    calm.abort();
    signal.throwIfAborted();
    return journal.last() > end;
  }

  /** @param expectedSequence of the subject's last message, where that has to be this one */
  async #publish(event: RecordedEvent, place: ResumePoint, expectedSequence?: number): Promise<Appended> {
    const { store, runtime } = this.#options;
    const { log, random } = runtime;
    const { subject, headers, ...encoded } = encode(event);
    let { body } = encoded;
    const room = store.maxMessageBytes - headroomBytes;
    const size = Buffer.byteLength(body);
    if (size > room) {
      // Else nothing after it would ever be shipped.
      log.error('event exceeds max_payload of NATS; its data stay in the journal', {
        event: event.id,
        max_payload: store.maxMessageBytes,
      });
      body = JSON.stringify({ omitted: `${size} bytes, more than the server's max_payload` });
    }
    const id = this.#spent.has(event.sequence) ? `${event.id}#${random.uuid()}` : event.id;
    const expected = expectedSequence === undefined ? {} : { expectedSequence };
    const stored = await store.append(streams.events, { subject, body, headers, id, ...expected });
    if (stored.sequence <= place.seen) {
      if (!stored.duplicate) throw new Error('the stream of events was recreated');
      // The one that it is a duplicate of is not among what was looked at, so it is deleted.
      this.#spent.add(event.sequence);
      throw new Error(`event ${event.sequence} was deleted from the stream`);
    }
    this.#spent.delete(event.sequence);
    return stored;
  }

  /** Takes the acknowledgements that follow what is known to be stored, without a gap. */
  #collect(acks: Map<number, number>, place: ResumePoint): void {
    let { sequence, stream } = this.#shipped;
    for (let ack = acks.get(sequence + 1); ack !== undefined; ack = acks.get(sequence + 1)) {
      acks.delete(++sequence);
      stream = { ...place.stream, sequence: ack };
    }
    if (sequence !== this.#shipped.sequence) this.#advance({ sequence, stream });
  }

  #advance(shipped: Journal['shipped']): void {
    this.#shipped = shipped;
    // Behind is safe, `resume` reads from there: so not for each acknowledgement.
    this.#cancelSave ??= this.#options.runtime.clock.after(saveMs, () => this.#save());
    if (this.lag > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #save(): void {
    this.#cancelSave?.();
    this.#cancelSave = null;
    const { journal, runtime } = this.#options;
    try {
      journal.markShipped(this.#shipped);
    } catch (error) {
      runtime.log.warn('failed to record in the journal what was shipped', { error: explain(error) });
    }
  }
}

function encode(event: RecordedEvent): { subject: string; body: string; headers: Record<string, string> } {
  const headers: Record<string, string> = {};
  const { subject, payload } = encodeEvent(event, { set: (name, value) => void (headers[name] = value) });
  return { subject, body: payload, headers };
}
