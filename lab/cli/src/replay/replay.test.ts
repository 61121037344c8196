import { execFile, execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNats } from '@ifactor/common/testing';
import type { NatsServer } from '@ifactor/common/testing';
import { formatDesiredSubject, formatStatusSubject, StatusMessageSchema } from '@ifactor/crds';
import type { Desired, RecordedEvent, StatusMessage } from '@ifactor/crds';
import { connectOnce, ensureStreams, streams } from '@ifactor/common/nats';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

// A real agent in a separate netns, a real NATS server, and the command line as a user runs it.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
const netns = `ift-${process.pid}-rp`;
const place = { node: 'lax1', kind: 'netlinkinterface', namespace: 'default', name: 'br' };
let folder: string;
let nats: NatsServer;
let connection: NatsConnection;
let agent: ChildProcess | undefined;

const here = (path: string): string => join(import.meta.dirname, path);
const file = (): string => join(folder, 'bug.log');
const node = ['--disable-warning=ExperimentalWarning'];

type Outcome = { code: number; out: string; err: string };
function ifactor(...args: string[]): Promise<Outcome> {
  const env = { ...process.env, NATS_URL: nats.url, NO_COLOR: '1' };
  return new Promise((resolve) => {
    execFile(process.execPath, [...node, here('../main.ts'), ...args], { env, maxBuffer: 1e8 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}
async function log(...args: string[]): Promise<RecordedEvent[]> {
  const { out } = await ifactor('events', '--json', ...args);
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RecordedEvent);
}

function startAgent(): void {
  const args = [
    '--node',
    place.node,
    '--nats',
    nats.url,
    '--state-dir',
    join(folder, 'state'),
    '--netns',
    `/run/netns/${netns}`,
    '--log-level',
    'warn',
  ];
  agent = spawn(process.execPath, [...node, here('../../../../actors/src/main.ts'), ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
async function killAgent(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  const ending = agent;
  agent = undefined;
  if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
  const exit = once(ending, 'exit');
  ending.kill(signal);
  await exit;
}

const declared = (generation: number, mtu: number): Desired => ({
  apiVersion: 'networking.dn42.io/v1alpha1',
  kind: 'NetlinkInterface',
  namespace: place.namespace,
  name: place.name,
  uid: 'uid-br',
  generation,
  resourceVersion: String(generation),
  creationTimestamp: '2026-01-01T00:00:00Z',
  spec: {
    node: place.node,
    interfaceName: 'br0',
    type: 'bridge',
    up: true,
    mtu,
    addresses: [{ ipcidr: '10.9.0.1/24' }],
    bridge: { slaves: [] },
  },
  secrets: [],
  missing: [],
});
async function apply(generation: number, mtu: number): Promise<void> {
  await jetstream(connection).publish(formatDesiredSubject(place), JSON.stringify(declared(generation, mtu)));
  await statusWhere(({ status }) => status.observedGeneration === generation && status.state === 'configured');
}
async function statusWhere(holds: (status: StatusMessage) => boolean): Promise<void> {
  const manager = await jetstreamManager(connection);
  await vi.waitFor(
    async () => {
      const message = await manager.streams.getMessage(streams.status, { last_by_subj: formatStatusSubject(place) });
      expect(message !== null && holds(StatusMessageSchema.parse(message.json()))).toBe(true);
    },
    { timeout: 20_000, interval: 50 },
  );
}
const mtuNow = (): number => {
  const [link] = JSON.parse(execFileSync('ip', ['-n', netns, '-j', 'link', 'show', 'br0'], { encoding: 'utf8' })) as {
    mtu: number;
  }[];
  return link?.mtu ?? 0;
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ifactor-replay-'));
  nats = await startNats({ folder });
  connection = await connectOnce({ servers: nats.url, name: 'test' });
  await ensureStreams(connection);
  execFileSync('ip', ['netns', 'add', netns]);
  startAgent();
  await apply(1, 1400);
  await apply(2, 1300);
  execFileSync('ip', ['-n', netns, 'link', 'del', 'br0']);
  await vi.waitFor(mtuNow, { timeout: 10_000, interval: 50 });
  await statusWhere(({ status }) => status.state === 'configured');
});
afterAll(async () => {
  await killAgent();
  await connection?.close();
  await nats?.stop();
  execFileSync('ip', ['netns', 'del', netns]);
  rmSync(folder, { recursive: true, force: true });
});

describe('ifactor events', () => {
  test('tells the story, whole or in part', async () => {
    const all = await log();
    expect(all.map(({ sequence }) => sequence)).toEqual(all.map((_, i) => i + 1));
    const types = all.map(({ type }) => type);
    expect(types.filter((type) => type === 'LinkCreated')).toHaveLength(2);
    expect(
      (await log('nl/br', '--type', 'SpecChanged')).map(({ data }) => ('generation' in data ? data.generation : 0)),
    ).toEqual([1, 2]);
    expect(await log('nl/nothing')).toEqual([]);
    const [third] = all.slice(2);
    expect((await log('--until', third!.time)).length).toBeLessThan(all.length);
    expect((await log('--since', third!.time)).at(-1)).toEqual(all.at(-1));
    expect((await ifactor('events', 'nl')).out).toMatch(
      /netlinkinterface\/default\/br SpecChanged → pending {2}generation 1/,
    );
  });

  test("reads the node's own journal as well", async () => {
    expect(await log('--journal', join(folder, 'state'))).toEqual(await log());
  });

  test('follows what comes', async () => {
    const env = { ...process.env, NATS_URL: nats.url, NO_COLOR: '1' };
    const follower = spawn(process.execPath, [...node, here('../main.ts'), 'events', '--follow', '--json'], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    follower.stdout.setEncoding('utf8').on('data', (text: string) => void (out += text));
    await vi.waitFor(() => expect(out).toContain('LinkCreated'), 20_000);
    await apply(3, 1280);
    await vi.waitFor(() => expect(out).toMatch(/"generation":3/), 20_000);
    follower.kill();
    await once(follower, 'exit');
  });
});

describe('ifactor replay', () => {
  test('shows the state at any point, by number or by time, from the stream or the journal', async () => {
    const all = await log('nl/br');
    const change = all.find(
      ({ type, data }) => type === 'SpecChanged' && 'generation' in data && data.generation === 2,
    )!;
    const before = JSON.parse(
      (await ifactor('replay', 'nl/br', '--at', String(change.sequence - 1), '--json')).out,
    ) as { value: string; context: { desired: { generation: number } } };
    expect(before.value).toBe('configured');
    expect(before.context.desired.generation).toBe(1);
    for (const source of [[], ['--journal', join(folder, 'state')]]) {
      const at = await ifactor('replay', 'nl/br', '--at', String(change.sequence), '--json', ...source);
      expect(JSON.parse(at.out)).toMatchObject({
        event: { sequence: change.sequence },
        context: { desired: { generation: 2 } },
      });
    }
    const { out } = await ifactor('replay', 'nl/br', '--at', all.at(-1)!.time);
    expect(out).toMatch(/^state +configured/m);
    expect((await ifactor('replay', 'nl/br', '--at', '2020-01-01T00:00:00Z')).err).toContain('holds no event');
  });

  test('walks step by step with what each event changed and asked for', async () => {
    const { out } = await ifactor('replay', 'nl/br', '--step');
    expect(out).toMatch(/performs .*create bridge/);
    expect(out).toMatch(/mtu: 1400 → 1300/);
    expect(out).toContain('DriftObserved');
  });

  test('--verify finds the fold of the log equal to what the live agent says, also after kill -9', async () => {
    for (let i = 0; i < 3; i++) {
      await killAgent();
      execFileSync('ip', ['-n', netns, 'link', 'set', 'br0', 'mtu', '1000']);
      startAgent();
      await vi.waitFor(() => expect(mtuNow()).toBe(1280), { timeout: 20_000, interval: 50 });
    }
    const { code, out, err } = await ifactor('replay', '--verify');
    expect(err).toBe('');
    expect(out).toMatch(/equal +lax1 netlinkinterface\/default\/br/);
    expect(out).toContain('0 gaps or doubles');
    expect(code).toBe(0);
  });

  test('--what-if finds nothing in what this code wrote', async () => {
    const { out } = await ifactor('replay', '--what-if');
    expect(out).toContain('0 of 1 actors');
  });
});

test('ifactor trace follows an apply to the kernel', async () => {
  const { out } = await ifactor('trace', 'nl/br', '--generation', '1');
  expect(out).toMatch(/^uid-br@1 /);
  expect(out).toMatch(/\+0 ms +SpecChanged/);
  expect(out).toMatch(/\+\d+ ms .*└─ .*LinkCreated|\+\d+ ms .*├─ .*LinkCreated/);
  expect(out).toContain('10.9.0.1/24');
  expect((await ifactor('trace', 'nl/br', '--generation', '99')).err).toContain('no generation 99');
});

test('what cannot be meant is said, with what can', async () => {
  const typo = await ifactor('events', '--type', 'Drift');
  expect([typo.code, typo.err]).toEqual([
    2,
    expect.stringContaining('there is no event type Drift; there are SpecChanged'),
  ]);
  expect((await ifactor('events', 'nl/nothing')).err).toContain(
    'holds no event of netlinkinterface/default/nothing; what there is',
  );
  expect((await ifactor('replay', 'nl/nothing')).err).toContain(
    'holds no event of netlinkinterface/default/nothing; what there is: ifactor events',
  );
  expect((await ifactor('replay', 'wgp/plan')).err).toContain('a plan has no log of its own');
});

const rest = (): string => join(folder, 'rest.log');

describe('a log whose beginning retention has taken', () => {
  beforeAll(async () => {
    await ifactor('export', '--output', rest());
    const lines = readFileSync(rest(), 'utf8').split('\n');
    const from = lines.findIndex((line) => line.includes('"LinkCreated"'));
    writeFileSync(
      rest(),
      lines.filter((line, at) => at === 0 || line.startsWith('{"status"') || at >= from).join('\n'),
    );
  });

  test('shows the state that was recorded, and claims no more', async () => {
    const { out, err } = await ifactor('replay', 'nl/br', '--file', rest());
    expect(err).toContain('lacks the first events of netlinkinterface/default/br');
    expect(out).toMatch(/^state +configured +\(as the agent recorded it/m);
    expect(out).not.toContain('no spec has arrived');
  });

  test('is neither verified nor blamed', async () => {
    const verified = await ifactor('replay', '--verify', '--file', rest());
    expect([verified.code, verified.out]).toEqual([0, expect.stringContaining('0 of 1 actors equal, 1 unknown')]);
    expect((await ifactor('replay', '--what-if', '--file', rest())).out).toContain(
      '0 of 1 actors would have been treated differently by this code (machine version',
    );
    expect((await ifactor('trace', 'nl/br', '--generation', '1', '--file', rest())).err).toContain(
      'its log begins later, at',
    );
  });
});

describe('a log file', () => {
  test('verifies, replays and imports like the log that it was made from', async () => {
    expect((await ifactor('export', '--output', file())).code).toBe(0);
    const verified = await ifactor('replay', '--verify', '--file', file());
    expect(verified.out).toContain('1 of 1 actors equal;');
    expect(verified.code).toBe(0);
    expect(await log('--file', file())).toEqual(await log());
    // Of a selection the numbers lack some, which is no fault of it.
    await ifactor('export', 'nl', '--output', file());
    expect((await ifactor('replay', '--verify', '--file', file())).out).toContain('the log is a selection');
    await ifactor('export', '--output', file());

    const other = await startNats({ folder: join(folder, 'other') });
    try {
      const imported = await ifactor('import', file(), '--nats', other.url);
      expect(imported.err).toBe('');
      expect(await log('--nats', other.url)).toEqual(await log());
      expect((await ifactor('import', file(), '--nats', other.url)).err).toContain('already');
    } finally {
      await other.stop();
    }
  }, 240_000);

  test('that was tampered with is found out', async () => {
    await ifactor('export', '--output', file());
    const lines = readFileSync(file(), 'utf8').split('\n');
    writeFileSync(file(), lines.filter((line) => !line.includes('"LinkCreated"')).join('\n'));
    const gap = await ifactor('replay', '--verify', '--file', file());
    expect(gap.out).toContain('gap in the events of node lax1');
    expect(gap.code).toBe(1);

    writeFileSync(file(), lines.map((line) => line.replace('"state":"configured"', '"state":"failed"')).join('\n'));
    expect((await ifactor('replay', '--verify', '--file', file())).out).toContain(
      'the agent was failed, the fold is configured',
    );
    expect((await ifactor('replay', '--what-if', '--file', file())).out).toContain('recorded  state failed');

    writeFileSync(
      file(),
      lines.map((line) => (line.includes('"AddressAdded"') ? line.replace('10.9.0.1', '10.9.0.7') : line)).join('\n'),
    );
    expect((await ifactor('replay', '--what-if', '--file', file())).out).toMatch(
      /recorded {2}AddressAdded .*10\.9\.0\.7.*\n.*this code AddAddress .*10\.9\.0\.1/,
    );
  });

  test('that is no log is refused in one line', async () => {
    writeFileSync(file(), 'hello');
    expect((await ifactor('replay', '--verify', '--file', file())).err).toMatch(
      /^ifactor: .*not a file that `ifactor export` wrote\n$/,
    );
    expect((await ifactor('events', '--file', join(folder, 'absent'))).err).toMatch(/^ifactor: there is no file/);
    expect((await ifactor('events', '--journal', folder)).err).toMatch(/^ifactor: there is no journal/);
    expect((await ifactor('events', '--nats', 'nats://127.0.0.1:1')).err).toMatch(/^ifactor: cannot reach NATS/);
  });
});
