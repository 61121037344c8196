/**
 * In a process of its own: fills IFACTOR_EVENTS with the events of many interfaces in turns. argv: address of NATS, events, nodes,
 * interfaces of each. Prints JSON.
 */
import { systemClock } from '@ifactor/common';
import { someKey, someLives } from '@ifactor/actors/testing';
import { connectOnce, ensureStreams, streams } from '@ifactor/common/nats';
import { encodeEvent } from '@ifactor/crds';
import { jetstreamManager } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { fillStream } from '../rawStream.ts';
import type { RawMessage } from '../rawStream.ts';

const [url = '', ...numbers] = process.argv.slice(2);
const [count = 0, nodes = 1, interfaces = 1] = numbers.map(Number);

const connection = await connectOnce({ servers: url, name: 'bench' });
await ensureStreams(connection);
const manager = await jetstreamManager(connection);
// All of them are to be there at the end.
await manager.streams.update(streams.events, { max_bytes: -1 });

/** What one interface tells again and again, after its first words; names and numbers are put in. */
const life = [...someLives({ node: 'NODE', eventId: () => 'NODE.bench.NUMBER' }, [someKey('NAME')]).take(43)];
const templates = life.map((event) => {
  const envelope = headers();
  const { subject, payload } = encodeEvent(
    { ...event, key: { ...event.key, name: 'name-of-it' }, node: 'node-of-it' },
    envelope,
  );
  const lines = [...envelope.keys()].map((key) => `${key}: ${envelope.get(key)}\r\n`).join('');
  return { subject, head: `NATS/1.0\r\n${lines}\r\n`, payload };
});

function message(number: number): RawMessage {
  const actor = number % (nodes * interfaces);
  const turn = Math.floor(number / (nodes * interfaces));
  const [node, name] = [`n${actor % nodes}`, `br${Math.floor(actor / nodes)}`];
  // The first three events are how it began.
  const template = templates[turn < 3 ? turn : 3 + ((turn - 3) % (templates.length - 3))];
  if (template === undefined) throw new RangeError('no event');
  const fill = (text: string): string =>
    text
      .replaceAll('name-of-it', name)
      .replaceAll('node-of-it', node)
      .replaceAll('NODE', node)
      .replaceAll('NAME', name)
      .replace('NUMBER', String(number + 1))
      .replace(/(ifactor-sequence: )\d+/, `$1${number + 1}`);
  return { subject: fill(template.subject), head: fill(template.head), payload: fill(template.payload) };
}

const begun = systemClock.monotonic();
await fillStream(url, manager, streams.events, count, message);
const { state } = await manager.streams.info(streams.events);
console.log(JSON.stringify({ events: state.messages, bytes: state.bytes, tookMs: systemClock.monotonic() - begun }));
await connection.close();
