/**
 * In a process of its own, beside `ifactor`: the newest messages of IFACTOR_EVENTS, or all under a subject, by a consumer alone,
 * neither read nor folded. argv: address of NATS, messages, subject. Prints JSON.
 */
import { readFileSync } from 'node:fs';
import { connectOnce, streams } from '@ifactor/common/nats';
import { DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';

const [servers = '', count, subject] = process.argv.slice(2);
const connection = await connectOnce({ servers, name: 'bench' });
const timeout = 60_000;
const manager = await jetstreamManager(connection, { checkAPI: false, timeout });
const { state } = await manager.streams.info(streams.events);
const start = { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: state.last_seq - Number(count) + 1 };
const consumer = await jetstream(connection, { timeout }).consumers.get(
  streams.events,
  subject === undefined ? start : { filter_subjects: [subject] },
);
const consumed = await consumer.consume({ max_messages: 2000 });
let bytes = 0;
for await (const message of consumed) {
  bytes += message.data.length;
  if (message.seq >= state.last_seq || message.info.pending === 0) break;
}
const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
console.log(JSON.stringify({ peak, bytes }));
await connection.close();
