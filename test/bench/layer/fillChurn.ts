/**
 * In a process of its own: what a month leaves behind in the streams of last messages. Each interface says its status again and
 * again; others come, are deleted, and have their tombstones removed. argv: address of NATS, interfaces, statuses of each, others.
 */
import { connectOnce, ensureStreams, eventStoreOf, streams } from '@ifactor/common/nats';
import { formatDesiredSubject } from '@ifactor/crds';
import { jetstreamManager } from '@nats-io/jetstream';
import { nodeOf, objectOf, statusMessage } from '../fleet.ts';
import { fillStream } from '../rawStream.ts';

const [url = '', ...numbers] = process.argv.slice(2);
const [count = 0, times = 0, others = 0] = numbers.map(Number);

const connection = await connectOnce({ servers: url, name: 'bench' });
await ensureStreams(connection);
const manager = await jetstreamManager(connection);
await fillStream(url, manager, streams.status, count * times, (number) => statusMessage(number % count));

const subject = (index: number): string =>
  formatDesiredSubject({ node: nodeOf(index), kind: 'netlinkinterface', namespace: 'default', name: `gone${index}` });
const wish = (index: number): string => JSON.stringify(objectOf(index));
const together = 1000;
const store = eventStoreOf(connection);
for (let from = 0; from < others; from += together) {
  const some = Array.from({ length: Math.min(together, others - from) }, (_, at) => from + at);
  await fillStream(url, manager, streams.desired, some.length * 2, (number) => ({
    subject: subject(from + (number % some.length)),
    head: '',
    payload: number < some.length ? wish(from + number) : '{}',
  }));
  await Promise.all(some.map((index) => store.purge(streams.desired, subject(index))));
}
console.log('{}');
await connection.close();
