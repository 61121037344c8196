/** Fills a stream by NATS' own protocol, so that the server's speed counts and not that of a client. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { JetStreamManager } from '@nats-io/jetstream';

/** A message as the protocol has it; `head` is empty or `NATS/1.0` with headers. */
export type RawMessage = { subject: string; head: string; payload: string };

/** Messages after which the server is asked whether it has stored them: it drops what waits in too long a line. */
const batch = 2000;

/** Stores `count` messages in a stream, and returns when it has them all. */
export async function fillStream(
  url: string,
  manager: JetStreamManager,
  stream: string,
  count: number,
  message: (number: number) => RawMessage,
): Promise<void> {
  const last = async (): Promise<number> => (await manager.streams.info(stream)).state.last_seq;
  const before = await last();
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
    for (let number = from; number < Math.min(count, from + batch); number++) text += spell(message(number));
    if (!socket.write(text)) await once(socket, 'drain');
    // Never more than two batches ahead of what is stored.
    while ((await last()) < before + from - batch);
  }
  while ((await last()) < before + count);
  socket.end();
}

const spell = ({ subject, head, payload }: RawMessage): string =>
  head === ''
    ? `PUB ${subject} ${payload.length}\r\n${payload}\r\n`
    : `HPUB ${subject} ${head.length} ${head.length + payload.length}\r\n${head}${payload}\r\n`;
