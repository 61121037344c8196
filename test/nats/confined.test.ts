import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openJournal } from '@ifactor/actors/journal';
import { ownStoreOf, Shipper, systemRuntime } from '@ifactor/actors/node';
import { readEvents, someEvents, someKey } from '@ifactor/actors/testing';
import { answerQuestions } from '@ifactor/bridge';
import { createLog, explain, systemClock, systemRandom } from '@ifactor/common';
import { followLast } from '@ifactor/common/eventStore';
import { eventStoreOf, namesOf, streams } from '@ifactor/common/nats';
import { until } from '@ifactor/common/testing';
import { desiredFilter, encodeEvent } from '@ifactor/crds';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startGuarded } from './server.ts';
import type { GuardedServer } from './server.ts';
import { violationsOf } from './violations.ts';

/* An agent whose user may do what `ifactor nats permissions node` prints works as one that may do everything. */

const node = 'lax1';
const log = createLog('test', 'error');

/** The bodies that a node is given, and how often it was told that these are all. */
function follow(connection: Parameters<typeof ownStoreOf>[0]): {
  seen: string[];
  failures: string[];
  caughtUp: () => number;
} {
  const seen: string[] = [];
  const failures: string[] = [];
  let caughtUp = 0;
  const stop = new AbortController();
  const ended = followLast({
    store: ownStoreOf(connection, node, log, systemClock),
    stream: streams.desired,
    filter: desiredFilter(node),
    handlers: {
      onMessage: ({ body }) => void seen.push(body),
      onCaughtUp: () => void caughtUp++,
      onFailure: (error) => void failures.push(explain(error)),
    },
    runtime: { clock: systemClock, random: systemRandom },
    signal: stop.signal,
  });
  onTestFinished(() => {
    stop.abort(new Error('stopped'));
    return ended;
  });
  return { seen, failures, caughtUp: () => caughtUp };
}

const wish = (name: string, on = node): string => `ifactor.desired.${on}.netlinkinterface.default.${name}`;

describe.each([undefined, 'east'])('with prefix %s', (prefix) => {
  async function serve(): Promise<GuardedServer> {
    const server = await startGuarded([
      { role: 'bridge', prefix },
      { role: 'node', node, prefix },
    ]);
    onTestFinished(() => server[Symbol.asyncDispose]());
    return server;
  }

  async function startBridge(server: GuardedServer): Promise<{ stop(): void }> {
    const connection = await server.connect({ role: 'bridge', prefix });
    const store = eventStoreOf(connection);
    await store.prepare();
    const answers = answerQuestions({ connection, store, log });
    await connection.flush();
    return answers;
  }

  test('it ships its journal, mends a hole, and fills a stream that was deleted', async () => {
    const server = await serve();
    await startBridge(server);
    const folder = mkdtempSync(join(tmpdir(), 'ift-confined-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const journal = openJournal(folder, { node });
    onTestFinished(() => journal.close());
    const happen = (count: number): void =>
      journal.append(
        someEvents(
          journal,
          Array.from({ length: count }, () => someKey('a')),
        ),
      );
    const [admin, connection] = await Promise.all([
      server.admin(prefix),
      server.connect({ role: 'node', node, prefix }),
    ]);
    const refused = violationsOf(connection);
    const ship = async (): Promise<void> => {
      const shipper = new Shipper({
        store: ownStoreOf(connection, node, log, systemClock),
        journal,
        runtime: systemRuntime(log),
      });
      await shipper.idle();
      await shipper.stop();
    };
    const whole = () => [...journal.read({ from: 1 })];

    happen(10);
    await ship();
    expect(await readEvents(admin, streams.events)).toEqual(whole());

    // What a server does that refused one of many messages in flight.
    happen(10);
    for (const event of [...journal.read({ from: 11 })].filter(({ sequence }) => sequence !== 12 && sequence !== 15)) {
      const attributes = headers();
      const { subject, payload } = encodeEvent(event, attributes);
      await jetstream(admin).publish(namesOf(admin).subject(subject), payload, {
        msgID: event.id,
        headers: attributes,
      });
    }
    await ship();
    expect(await readEvents(admin, streams.events)).toEqual(whole());

    await (await jetstreamManager(admin)).streams.delete(namesOf(admin).streams.events);
    happen(1);
    await ship();
    expect(await readEvents(admin, streams.events)).toEqual(whole());
    expect(refused).toEqual([]);
  });

  test('it is given what is desired of it, and nothing of others, also after NATS was killed', async () => {
    const server = await serve();
    await startBridge(server);
    const store = eventStoreOf(await server.admin(prefix));
    const say = (subject: string, body: string) => store.append(streams.desired, { subject, body, headers: {} });
    await say(wish('a'), 'a1');
    await say(wish('a', 'lax2'), 'of another');
    const connection = await server.connect({ role: 'node', node, prefix });
    const refused = violationsOf(connection);
    const { seen, caughtUp } = follow(connection);
    await until(() => caughtUp() === 1);
    await say(wish('b'), 'b1');
    await until(() => seen.length === 2);
    expect(seen).toEqual(['a1', 'b1']);
    expect(refused).toEqual([]);

    // Whoever is back before the bridge tries by itself, and is refused.
    await server.nats.kill();
    await server.nats.start();
    await until(() => caughtUp() === 2, 'everything again', 30_000);
    expect(seen.slice(2)).toEqual(['a1', 'b1']);
  });

  test('it is given everything again when it starts again', async () => {
    const server = await serve();
    await startBridge(server);
    const store = eventStoreOf(await server.admin(prefix));
    await store.append(streams.desired, { subject: wish('a'), body: 'a1', headers: {} });
    for (let start = 0; start < 3; start++) {
      const connection = await server.connect({ role: 'node', node, prefix });
      const { seen, caughtUp, failures } = follow(connection);
      await until(() => caughtUp() === 1);
      expect([seen, failures]).toEqual([['a1'], []]);
      await connection.close();
    }
  });

  test('it waits for a bridge where none runs, and goes on by its consumer while one is away', async () => {
    const server = await serve();
    const admin = eventStoreOf(await server.admin(prefix));
    await admin.prepare();
    await admin.append(streams.desired, { subject: wish('a'), body: 'a1', headers: {} });
    const alone = await server.connect({ role: 'node', node, prefix });
    const first = follow(alone);
    await until(() => first.failures.some((words) => words.startsWith('no bridge answers')), 'a failure');
    expect(first.seen).toEqual([]);
    const bridge = await startBridge(server);
    await until(() => first.caughtUp() === 1, 'the desired state', 30_000);
    expect(first.seen).toEqual(['a1']);

    bridge.stop();
    await alone.close();
    const second = follow(await server.connect({ role: 'node', node, prefix }));
    await until(() => second.caughtUp() === 1);
    await admin.append(streams.desired, { subject: wish('b'), body: 'b1', headers: {} });
    await until(() => second.seen.length === 1);
    expect(second.seen).toEqual(['b1']);
  });
});
