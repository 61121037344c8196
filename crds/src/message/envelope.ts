import { formatEventSubject, parseEventSubject } from './subject.ts';
import type { EventType, InterfaceEvent, RecordedEvent } from './event.ts';
import { upcast } from './upcast.ts';

/** The subset of NATS headers that an envelope needs; `MsgHdrs` of @nats-io fits. */
export type Headers = { get(name: string): string; set(name: string, value: string): void };

/** The attributes of a CloudEvents 1.0 message with a JSON body, as headers in the NATS binding's binary mode. */
export const cloudEventHeaders = (event: {
  id: string;
  source: string;
  type: string;
  subject: string;
  /** RFC 3339. */
  time: string;
}): Record<string, string> => ({
  'ce-specversion': '1.0',
  'ce-id': event.id,
  'ce-source': event.source,
  'ce-type': event.type,
  'ce-subject': event.subject,
  'ce-time': event.time,
  'content-type': 'application/json',
});

/** A message is not one of ours: the error names the missing or wrong part. */
export class EnvelopeError extends Error {
  override name = 'EnvelopeError';
}

const prefix = 'ifactor.';

/**
 * Writes an event as a CloudEvents 1.0 message in the NATS binding's binary mode: attributes as `ce-*` headers, the data
 * as readable JSON. `headers` receives the attributes. Source: CloudEvents "NATS Protocol Binding" 1.0.3, section 3.1.
 */
export function encodeEvent(event: RecordedEvent, headers: Pick<Headers, 'set'>): { subject: string; payload: string } {
  const { id, node, type, key, time } = event;
  const attributes = cloudEventHeaders({
    id,
    source: `/ifactor/node/${node}`,
    type: prefix + type,
    subject: `${key.kind}/${key.namespace}/${key.name}`,
    time,
  });
  for (const [name, value] of Object.entries(attributes)) headers.set(name, value);
  if (event.causationId !== null) headers.set('ce-causationid', event.causationId);
  headers.set('ce-correlationid', event.correlationId);
  headers.set('ifactor-state', event.state);
  headers.set('ifactor-sequence', String(event.sequence));
  headers.set('ifactor-machine', String(event.machine));
  return {
    subject: formatEventSubject({ ...event.key, node: event.node, type: event.type }),
    payload: JSON.stringify(event.data),
  };
}

/**
 * Parses what `encodeEvent` wrote.
 * @throws EnvelopeError if the message is no event of ours
 */
export function decodeEvent(
  subject: string,
  headers: Pick<Headers, 'get'> | undefined,
  payload: string,
): RecordedEvent {
  const { node, type } = parseEventSubject(subject);
  if (headers === undefined) throw new EnvelopeError(`${subject}: no headers, so no CloudEvents attributes`);
  const need = (name: string): string => {
    const value = headers.get(name);
    if (value === '') throw new EnvelopeError(`${subject}: header ${name} is missing`);
    return value;
  };
  const count = (name: string): number => {
    const value = Number(need(name));
    if (!Number.isSafeInteger(value)) throw new EnvelopeError(`${subject}: header ${name} is not a whole number`);
    return value;
  };
  if (need('ce-specversion') !== '1.0') throw new EnvelopeError(`${subject}: not CloudEvents 1.0`);
  if (need('ce-type') !== prefix + type) throw new EnvelopeError(`${subject}: ce-type is ${need('ce-type')}`);
  const [kind, namespace, name, ...rest] = need('ce-subject').split('/');
  if (kind === undefined || namespace === undefined || name === undefined || rest.length > 0) {
    throw new EnvelopeError(`${subject}: ce-subject is not kind/namespace/name`);
  }
  let data: unknown;
  try {
    data = JSON.parse(payload);
  } catch (cause) {
    throw new EnvelopeError(`${subject}: the body is not JSON`, { cause });
  }
  // We wrote the log: types and payloads are those of `EventData`, older ones after `upcast`.
  const event = { type: type as EventType, time: need('ce-time'), data } as InterfaceEvent;
  return upcast({
    ...event,
    id: need('ce-id'),
    sequence: count('ifactor-sequence'),
    node,
    key: { kind, namespace, name },
    causationId: headers.get('ce-causationid') || null,
    correlationId: need('ce-correlationid'),
    state: need('ifactor-state'),
    machine: count('ifactor-machine'),
  });
}
