import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { desiredObject } from '@ifactor/actors/testing';
import { ensureStreams } from '@ifactor/common/nats';
import { startNats, until } from '@ifactor/common/testing';
import { formatDesiredSubject } from '@ifactor/crds';
import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { describe, expect, onTestFinished, test } from 'vitest';
import { root } from './generated.ts';

/** The commands of the README for the program `nats`, by their words. */
const commands = readFileSync(join(root, 'README.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('nats '))
  .map((line) =>
    line
      .replace(/#.*/, '')
      .trim()
      .split(/\s+/)
      .slice(1)
      .map((word) => word.replaceAll("'", '')),
  );

/** What the program would do with a stream: the first message under a subject. */
async function firstOf(connection: NatsConnection, stream: string, subject: string, policy: DeliverPolicy) {
  const consumer = await jetstream(connection).consumers.get(stream, {
    filter_subjects: [subject],
    deliver_policy: policy,
  });
  return (await consumer.next({ expires: 10_000 }))?.subject;
}

async function carryOut(connection: NatsConnection, words: readonly string[]): Promise<string> {
  const [what = '', ...rest] = words;
  const veth1 = 'ifactor.event.lax1.netlinkinterface.default.veth1.';
  if (what === 'sub') {
    const [subject = '', flag] = rest;
    if (flag === '--last-per-subject')
      return (await firstOf(connection, 'IFACTOR_EVENTS', subject, DeliverPolicy.LastPerSubject)) ?? '';
    const subscription = connection.subscribe(subject, { max: 1 });
    await connection.request('ifactor.agent.lax1.resync', 'netlinkinterface/default/veth1', { timeout: 10_000 });
    for await (const message of subscription) return message.subject;
  }
  if (what === 'stream') {
    const [view, stream = '', option, subject = ''] = rest;
    expect([view, option]).toEqual(['view', '--subject']);
    const found = await firstOf(connection, stream, subject, DeliverPolicy.All);
    expect(found).toContain(veth1);
    return found ?? '';
  }
  const [subject = '', payload = ''] = what === 'micro' ? ['$SRV.INFO', ''] : rest;
  return (await connection.request(subject, payload, { timeout: 10_000 })).string();
}

// Network namespaces need root.
describe.skipIf(process.getuid?.() !== 0)("what the README's commands for `nats` name", () => {
  test('exists, and answers', async () => {
    await using nats = await startNats();
    const connection = await nats.connect();
    await ensureStreams(connection);
    const netns = `ift-${process.pid}-nc`;
    const folder = mkdtempSync(join(tmpdir(), 'ift-nats-commands-'));
    execFileSync('ip', ['netns', 'add', netns]);
    const agent = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        join(root, 'actors/src/main.ts'),
        '--node',
        'lax1',
        '--nats',
        nats.url,
        '--state-dir',
        folder,
        '--netns',
        `/run/netns/${netns}`,
      ],
      { stdio: ['ignore', 'ignore', 'ignore'] },
    );
    const ended = once(agent, 'exit');
    onTestFinished(async () => {
      agent.kill('SIGKILL');
      await ended;
      execFileSync('ip', ['netns', 'del', netns]);
      rmSync(folder, { recursive: true });
    });
    const name = 'veth1';
    const spec = { node: 'lax1', interfaceName: name, type: 'bridge', up: true };
    const wish = desiredObject(name, 1, spec);
    const place = { node: 'lax1', kind: 'netlinkinterface', namespace: 'default', name };
    await jetstream(connection).publish(formatDesiredSubject(place), JSON.stringify(wish));
    await until(
      async () =>
        (await firstOf(connection, 'IFACTOR_STATUS', 'ifactor.status.>', DeliverPolicy.LastPerSubject)) !== undefined,
      'the status',
      60_000,
    );
    expect(commands.length).toBeGreaterThan(5);
    for (const words of commands) {
      const answer = await carryOut(connection, words);
      expect(answer, words.join(' ')).toMatch(/^ifactor\.event\.lax1\.|"name":"ifactor-agent"|veth1/);
      expect(answer, words.join(' ')).not.toContain('error');
    }
  }, 180_000);
});
