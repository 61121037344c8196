/**
 * In a process of its own: fills IFACTOR_EVENTS with the events of many interfaces in turns. Writes NATS' protocol itself, so that the
 * server's speed counts and not that of a client. argv: address of NATS, events, nodes, interfaces of each. Prints JSON.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { systemClock } from '@ifactor/common';
import { someKey, someLives } from '@ifactor/actors/testing';
import { connectOnce, ensureStreams, streams } from '@ifactor/common/nats';
import { encodeEvent } from '@ifactor/crds';
import { jetstreamManager } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';

const [url = '', ...numbers] = process.argv.slice(2);
const [count = 0, nodes = 1, interfaces = 1] = numbers.map(Number);
/** Messages after which the server is asked whether it has stored them: it drops what waits in too long a line. */
const batch = 2000;

const connection = await connectOnce({ servers: url, name: 'bench' });
await ensureStreams(connection);
const manager = await jetstreamManager(connection);
// All of them are to be there at the end.
await manager.streams.update(streams.events, { max_bytes: -1 });
const before = (await manager.streams.info(streams.events)).state.last_seq;

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

function message(number: number): string {
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
  const [head, payload] = [fill(template.head), fill(template.payload)];
  return `HPUB ${fill(template.subject)} ${head.length} ${head.length + payload.length}\r\n${head}${payload}\r\n`;
}

const begun = systemClock.monotonic();
const { hostname, port } = new URL(url);
const socket = connect({ host: hostname, port: Number(port), noDelay: true });
await once(socket, 'data');
socket.write('CONNECT {"verbose":false,"headers":true}\r\n');
socket.on('data', (data) => {
  if (data.includes('PING')) socket.write('PONG\r\n');
  if (data.includes('-ERR')) throw new Error(data.toString());
});
for (let from = 0; from < count; from += batch) {
  let text = '';
  for (let number = from; number < Math.min(count, from + batch); number++) text += message(number);
  if (!socket.write(text)) await once(socket, 'drain');
  // Never more than two batches ahead of what is stored.
  while ((await manager.streams.info(streams.events)).state.last_seq < before + from - batch);
}
let state;
do ({ state } = await manager.streams.info(streams.events));
while (state.last_seq < before + count);
socket.end();
console.log(JSON.stringify({ events: state.messages, bytes: state.bytes, tookMs: systemClock.monotonic() - begun }));
await connection.close();
