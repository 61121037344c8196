import { ensureStreams, expecting, publishAcked, streams } from '@ifactor/common/nats';
import { JetStreamApiError } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { describe, expect, test, vi } from 'vitest';
import { natsBench } from '../../testing/bench.ts';

const subject = 'ifactor.status.n1.netlinkinterface.default.br0';

const publish = (
  connection: NatsConnection,
  payload: string,
  more: { id?: string; lastSubjectSequence?: number } = {},
  stream: string = streams.status,
) => publishAcked(connection, subject, payload, expecting(headers(), { stream, ...more }));

describe('a message to a stream', () => {
  const bench = natsBench();
  const dial = async (): Promise<NatsConnection> => {
    const connection = await bench.dial();
    await ensureStreams(connection);
    return connection;
  };

  test('is acknowledged with its number, each with its own, and a second one with the same id is a duplicate', async () => {
    const connection = await dial();
    const acks = await Promise.all(
      Array.from({ length: 500 }, (_, at) => publish(connection, String(at), { id: `m${at}` })),
    );
    expect(acks.map(({ seq }) => seq)).toEqual(Array.from({ length: 500 }, (_, at) => at + 1));
    expect(acks.every(({ duplicate, stream }) => !duplicate && stream === streams.status)).toBe(true);
    expect(await publish(connection, 'again', { id: 'm7' })).toMatchObject({ seq: 8, duplicate: true });
  });

  test('is refused in the words of the server where it does not follow what was expected', async () => {
    const connection = await dial();
    await publish(connection, 'one');
    await expect(publish(connection, 'two', { lastSubjectSequence: 0 })).rejects.toBeInstanceOf(JetStreamApiError);
    await expect(publish(connection, 'two', {}, streams.events)).rejects.toThrow('expected stream does not match');
    await expect(publishAcked(connection, 'elsewhere', 'x', headers())).rejects.toThrow('no stream takes elsewhere');
  });

  test('that cannot even be sent is refused once, and nobody waits for it', async () => {
    const connection = await dial();
    const unhandled = vi.fn<(reason: unknown) => void>();
    process.on('unhandledRejection', unhandled);
    try {
      await expect(publish(connection, 'x'.repeat(2 << 20))).rejects.toThrow('max_payload');
      expect(await publish(connection, 'small')).toMatchObject({ seq: 1 });
      await connection.close();
      await expect(publish(connection, 'late')).rejects.toThrow(/closed/i);
      // Longer than an answer is waited for.
      await new Promise((resolve) => setTimeout(resolve, 6000));
      expect(unhandled).not.toHaveBeenCalled();
    } finally {
      process.off('unhandledRejection', unhandled);
    }
  });

  test('is given up when no answer comes, or the connection is closed before it', async () => {
    const connection = await dial();
    // Somebody hears it and says nothing.
    const mute = await bench.dial();
    mute.subscribe('mute');
    await mute.flush();
    await expect(publishAcked(connection, 'mute', 'x', headers())).rejects.toThrow('was not acknowledged in time');
    const lost = publishAcked(connection, 'mute', 'y', headers());
    const closed = connection.close();
    await expect(lost).rejects.toThrow(/closed/);
    await closed;
  });
});
