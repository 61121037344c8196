import { JetStreamApiError } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { explain } from '../log.ts';
import { ensureStreams, streams } from '../nats.ts';
import { TestClock } from '../testing/clock.ts';
import { startNats } from '../testing/natsServer.ts';
import type { NatsServer } from '../testing/natsServer.ts';
import { createAcked, expecting } from './acked.ts';
import { NotConnected } from './eventStore.ts';
import { followSession } from './session.ts';
import type { Acked } from './acked.ts';

const subject = 'ifactor.status.n1.netlinkinterface.default.br0';

async function dial(): Promise<{
  clock: TestClock;
  nats: NatsServer;
  connection: NatsConnection;
  other: () => Promise<NatsConnection>;
  connected: () => Promise<void>;
  publishAcked: Acked;
  publish: (
    payload: string,
    more?: { id?: string; lastSubjectSequence?: number },
    stream?: string,
  ) => ReturnType<Acked>;
}> {
  const nats = await startNats();
  onTestFinished(() => nats[Symbol.asyncDispose]());
  const connection = await nats.connect();
  await ensureStreams(connection);
  const clock = new TestClock();
  const { connected, session } = followSession(connection);
  const publishAcked = createAcked(connection, session, clock);
  return {
    clock,
    nats,
    connected,
    connection,
    other: () => nats.connect(),
    publishAcked,
    publish: (payload, more = {}, stream = streams.status) =>
      publishAcked(subject, payload, expecting(headers(), { stream, ...more })),
  };
}

describe('a message to a stream', () => {
  test('is acknowledged with its number, each with its own, and a second one with the same id is a duplicate', async () => {
    const { publish } = await dial();
    const acks = await Promise.all(Array.from({ length: 500 }, (_, at) => publish(String(at), { id: `m${at}` })));
    expect(acks.map(({ seq }) => seq)).toEqual(Array.from({ length: 500 }, (_, at) => at + 1));
    expect(acks.every(({ duplicate, stream }) => !duplicate && stream === streams.status)).toBe(true);
    expect(await publish('again', { id: 'm7' })).toMatchObject({ seq: 8, duplicate: true });
  });

  test('is refused in the words of the server where it does not follow what was expected', async () => {
    const { publish, publishAcked } = await dial();
    await publish('one');
    await expect(publish('two', { lastSubjectSequence: 0 })).rejects.toBeInstanceOf(JetStreamApiError);
    await expect(publish('two', {}, streams.events)).rejects.toThrow('expected stream does not match');
    await expect(publishAcked('elsewhere', 'x', headers())).rejects.toThrow('no stream takes elsewhere');
  });

  test('that cannot even be sent is refused once, and nobody waits for it', async () => {
    const { clock, connection, publish } = await dial();
    const unhandled = vi.fn<(reason: unknown) => void>();
    process.on('unhandledRejection', unhandled);
    try {
      await expect(publish('x'.repeat(2 << 20))).rejects.toThrow('max_payload');
      expect(await publish('small')).toMatchObject({ seq: 1 });
      await connection.close();
      await expect(publish('late')).rejects.toThrow(/closed/i);
      // Longer than the acknowledgement timeout.
      await clock.pass(6000);
      expect(unhandled).not.toHaveBeenCalled();
    } finally {
      process.off('unhandledRejection', unhandled);
    }
  });

  test('is refused where the server is away, at once when it goes, and stored once when it is back', async () => {
    // No time passes on this clock, so that no message is given up because it is late.
    const { nats, connected, publish } = await dial();
    expect(await publish('one', { id: 'one' })).toMatchObject({ seq: 1 });
    nats.freeze();
    const unanswered = Array.from({ length: 3 }, (_, at) =>
      publish('lost', { id: `lost${at}` }).catch((error: unknown) => error),
    );
    await nats.kill();
    for (const one of unanswered) expect(await one).toBeInstanceOf(NotConnected);
    await expect(publish('two', { id: 'two' })).rejects.toBeInstanceOf(NotConnected);
    await nats.start();
    await connected();
    expect(await publish('two', { id: 'two' })).toMatchObject({ duplicate: false });
    expect(await publish('one', { id: 'one' })).toMatchObject({ seq: 1, duplicate: true });
    // The second break is noticed like the first.
    nats.freeze();
    const again = publish('three').catch((error: unknown) => error);
    await nats.kill();
    expect(await again).toBeInstanceOf(NotConnected);
  });

  test('is given up when no answer comes, or the connection is closed before it', async () => {
    const { clock, connection, other, publishAcked } = await dial();
    // A subscriber receives it and does not reply.
    const mute = await other();
    mute.subscribe('mute');
    await mute.flush();
    const unanswered = publishAcked('mute', 'x', headers()).catch(explain);
    await clock.pass(6000);
    expect(await unanswered).toContain('was not acknowledged in time');
    const lost = publishAcked('mute', 'y', headers());
    const closed = connection.close();
    await expect(lost).rejects.toThrow(/closed/);
    await closed;
  });
});
