import { jetstream } from '@nats-io/jetstream';
import { createLog, systemClock } from '@ifactor/common';
import { decodeEvent, eventFilter, type Key, type RecordedEvent } from '@ifactor/crds';
import { connect, namesOf, streams } from '@ifactor/common/nats';
import { environmentOf } from '../cluster/environment.ts';
import { LabError } from '../cluster/error.ts';
import type { Manifest } from '../cluster/manifest.ts';

const tellWithinMs = 20_000;

/**
 * Reads the event log of one interface from a time on, until an event is found for which `last` holds.
 * @throws LabError where none comes
 */
export async function readLog(
  lab: Manifest,
  place: Key & { node: string },
  since: Date,
  last: (event: RecordedEvent) => boolean,
): Promise<RecordedEvent[]> {
  const { NATS_URL = '', ...credentials } = environmentOf(lab);
  Object.assign(process.env, credentials);
  const connection = await connect({ servers: NATS_URL, name: 'ifactor demo' }, createLog('demo'));
  try {
    const names = namesOf(connection);
    const consumer = await jetstream(connection).consumers.get(names.stream(streams.events), {
      filter_subjects: names.subject(eventFilter(place)),
      opt_start_time: since.toISOString(),
    });
    const messages = await consumer.consume();
    const cancel = systemClock.after(tellWithinMs, () => messages.stop(), true);
    const events: RecordedEvent[] = [];
    for await (const message of messages) {
      const event = decodeEvent(names.logical(message.subject), message.headers, message.string());
      events.push(event);
      if (last(event)) {
        cancel();
        return events;
      }
    }
    throw new LabError(
      `the event log of ${place.namespace}/${place.name} does not tell what happened; it has ${events.map(({ type }) => type).join(', ') || 'nothing'}`,
    );
  } finally {
    await connection.close();
  }
}
