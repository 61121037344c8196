import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { someKey, someLives } from '@ifactor/actors/testing';
import { startNats } from '@ifactor/common/testing';
import { encodeEvent } from '@ifactor/crds';
import type { RecordedEvent } from '@ifactor/crds';
import { connectOnce, ensureStreams } from '@ifactor/common/nats';
import { jetstream } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { Moment, SourceInfo, Told } from '../inspector/protocol.ts';
import { eventLine, fileHeader } from '../log/file.ts';

const main = join(import.meta.dirname, '../main.ts');
const events = someLives({ node: 'lax1', eventId: (sequence) => `lax1.j.${sequence}` }, [someKey('a')])
  .take(30)
  .toArray();
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ift-ui-'));
  writeFileSync(join(folder, 'bug.log'), [fileHeader(new Date(0), false), ...events.map(eventLine)].join('\n'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs `ifactor ui` until the test ends: its address, and the latest state that it sent. */
async function ui(
  args: string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<{ source: () => SourceInfo; moment: () => Moment; end: () => Promise<number | null> }> {
  const child = spawn(process.execPath, [main, 'ui', '--lazy', ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const address = new URL(line);
  expect([address.hostname, address.searchParams.get('token')?.length]).toEqual(['127.0.0.1', 32]);
  const socket = new WebSocket(`ws://${address.host}/socket${address.search}`);
  onTestFinished(() => socket.terminate());
  const told = new Map<string, Told>();
  socket.on('message', (data) => {
    const message = JSON.parse((data as Buffer).toString()) as Told;
    told.set(message.tell, message);
  });
  const last = (what: Told['tell']): never => {
    const found = told.get(what) as unknown as Record<string, unknown> | undefined;
    if (!found) throw new Error(`${what} has not been told yet`);
    return found[what] as never;
  };
  return {
    source: () => last('source'),
    moment: () => last('moment'),
    async end() {
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      await exit;
      return child.exitCode;
    },
  };
}

test('a file is served as it is, until told to stop', async () => {
  const path = join(folder, 'bug.log');
  const { source, moment, end } = await ui(['--file', path]);
  await vi.waitFor(() => expect(moment().total).toBe(30));
  expect(source()).toEqual({ kind: 'file', name: path });
  expect(moment().states).toEqual({ 'lax1 netlinkinterface/default/a': events.at(-1)?.state });
  expect(await end()).toBe(0);
});

test('streams are followed: what they hold, what comes, and once they are there where they were not', async () => {
  const nats = await startNats({ folder });
  onTestFinished(() => nats.stop());
  const url = nats.url.replace('nats://', 'nats://somebody:s3cret@');
  const { source, moment, end } = await ui(['--nats', url]);
  await vi.waitFor(() => expect(source().name).toContain('no agent has been here yet'), 20_000);
  expect(source().name, 'the password is not shown').toMatch(/^nats:\/\/[\d.:]+: /);

  const connection = await connectOnce({ servers: nats.url, name: 'test' });
  onTestFinished(() => connection.close());
  await ensureStreams(connection);
  const publish = async (list: readonly RecordedEvent[]): Promise<void> => {
    for (const event of list) {
      const envelope = headers();
      const { subject, payload } = encodeEvent(event, envelope);
      await jetstream(connection).publish(subject, payload, { headers: envelope });
    }
  };
  await publish(events.slice(0, 12));
  await vi.waitFor(() => expect(moment().total).toBe(12), 20_000);
  expect(source().name).toBe(nats.url);
  await publish(events.slice(12));
  await vi.waitFor(() => expect(moment().total).toBe(30), 20_000);
  expect(Object.values(moment().states)).toEqual([events.at(-1)?.state]);
  expect(await end()).toBe(0);
});

test.each([
  [['--file', '/nonexistent/log'], 'there is no file /nonexistent/log'],
  [['--file', main], 'is not JSON'],
  [['--port', '70000'], 'give a port'],
  [['--file', 'x', '--stately', '1'], 'leave out --file and --journal'],
  [['--dir', '/nonexistent'], 'no NATS server is known'],
])('%j is one line of error', async (args, words) => {
  const { NATS_URL: _, ...env } = process.env;
  const { code, err } = await new Promise<{ code: unknown; err: string }>((resolve) => {
    execFile(process.execPath, [main, 'ui', ...args], { env }, (error, _out, stderr) =>
      resolve({ code: error?.code, err: stderr }),
    );
  });
  expect(err).toContain(words);
  expect(err.trim().split('\n')).toHaveLength(1);
  expect(code).toBe(2);
});
