/**
 * In a process of its own, beside the bridge: the last message of each subject of IFACTOR_DESIRED and IFACTOR_STATUS by consumers
 * alone. argv: address of NATS. Prints JSON.
 */
import { systemClock } from '@ifactor/common';
import { connectOnce, streams } from '@ifactor/common/nats';
import { DeliverPolicy, jetstream } from '@nats-io/jetstream';

const [servers = ''] = process.argv.slice(2);
const connection = await connectOnce({ servers, name: 'bench' });
const begun = systemClock.monotonic();
async function read(stream: string): Promise<number> {
  const policy = { deliver_policy: DeliverPolicy.LastPerSubject };
  const consumer = await jetstream(connection, { timeout: 60_000 }).consumers.get(stream, policy);
  if ((await consumer.info()).num_pending === 0) return 0;
  let bytes = 0;
  for await (const message of await consumer.consume({ max_messages: 1000 })) {
    bytes += message.data.length;
    if (message.info.pending === 0) break;
  }
  return bytes;
}
const bytes = await Promise.all([streams.desired, streams.status].map(read));
console.log(JSON.stringify({ tookMs: systemClock.monotonic() - begun, bytes }));
await connection.close();
