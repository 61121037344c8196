import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { someKey, someLives } from '@ifactor/actors/testing';
import { startNats } from '@ifactor/common/testing';
import { openJournal } from '@ifactor/actors/journal';
import { connectOnce, ensureStreams } from '@ifactor/common/nats';
import { encodeEvent } from '@ifactor/crds';
import { jetstream } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventLine, fileHeader } from '../log/file.ts';

/*
 * The commands on a machine where native packages cannot be loaded: asking for `koffi` or `netlink`, or opening a `.node` file,
 * fails as it does there.
 */
const main = join(import.meta.dirname, '../main.ts');
const events = someLives({ node: 'lax1', eventId: (sequence) => `lax1.j.${sequence}` }, [someKey('a')])
  .take(30)
  .toArray();
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ift-pure-'));
  writeFileSync(join(folder, 'bug.log'), [fileHeader(new Date(0), false), ...events.map(eventLine)].join('\n'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A module that makes these packages, and every native one, fail to load. */
const without = (...packages: string[]): string =>
  `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  process.dlopen = (_, path) => { throw new Error('native code is loaded: ' + path); };
  const absent = ${JSON.stringify(packages)};
  registerHooks({
    resolve(specifier, context, next) {
      if (absent.some((name) => specifier === name || specifier.startsWith(name + '/'))) {
        const error = new Error('loaded ' + specifier + ' from ' + context.parentURL);
        process.stderr.write(error.message + '\\n');
        throw error;
      }
      return next(specifier, context);
    },
  });`)}`;

const native = ['koffi', 'netlink', 'node-gyp-build'];

type Outcome = { code: number; out: string; err: string };
function ifactor(absent: readonly string[], args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--import', without(...absent), main, ...args],
      { env: { ...process.env, NO_COLOR: '1' } },
      (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

const file = (): string[] => ['--file', join(folder, 'bug.log')];

/** Native code in a process that has imported a module of a package. */
function loadedBy(name: string): Promise<string[]> {
  const code = `import ${JSON.stringify(name)};
    const { sharedObjects } = process.report.getReport();
    console.log(JSON.stringify(sharedObjects.filter((path) => path.endsWith('.node'))));`;
  return new Promise((resolve, reject) => {
    const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', code];
    execFile(process.execPath, args, { cwd: import.meta.dirname }, (error, out) =>
      error === null ? resolve(JSON.parse(out) as string[]) : reject(error),
    );
  });
}

test('what a replay imports loads no native code; the kernel does', async () => {
  expect(await loadedBy('@ifactor/actors')).toEqual([]);
  expect(await loadedBy('@ifactor/actors/journal')).toEqual([]);
  expect(await loadedBy('@ifactor/actors/kernel')).toHaveLength(2);
});

test('the hook keeps native packages out', async () => {
  const { code, err } = await ifactor(native, ['lab', 'doctor']);
  expect(code).not.toBe(0);
  expect(err).toMatch(/loaded (koffi|netlink)/);
});

describe('without native packages', () => {
  test.each([['events'], ['replay', 'nl/a'], ['replay', 'nl/a', '--step'], ['replay', '--verify'], ['trace', 'nl/a']])(
    '%j reads a file',
    async (...words) => {
      const { code, out, err } = await ifactor(
        [...native, '@ifactor/lab', '@nats-io/jetstream'],
        [...words, ...file()],
      );
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).not.toBe('');
    },
  );

  test('a journal is read', async () => {
    const journal = openJournal(join(folder, 'state'), { node: 'lax1' });
    journal.append(
      someLives(journal, [someKey('a')])
        .take(30)
        .toArray(),
    );
    journal.close();
    const { code, out, err } = await ifactor(native, ['events', '--journal', join(folder, 'state')]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out.trimEnd().split('\n')).toHaveLength(events.length);
  });

  test('streams are read', async () => {
    const nats = await startNats({ folder });
    try {
      const connection = await connectOnce({ servers: nats.url, name: 'test' });
      await ensureStreams(connection);
      for (const event of events) {
        const envelope = headers();
        const { subject, payload } = encodeEvent(event, envelope);
        await jetstream(connection).publish(subject, payload, { headers: envelope });
      }
      await connection.close();
      for (const words of [['events'], ['replay', 'nl/a']]) {
        const { code, out, err } = await ifactor(native, [...words, '--nats', nats.url]);
        expect({ code, err }).toEqual({ code: 0, err: '' });
        expect(out).not.toBe('');
      }
    } finally {
      await nats.stop();
    }
  });

  test.each(['--help', '--version', 'replay --help', 'machine', 'lab --help', 'completion bash'])(
    '%s',
    async (words) => {
      const { code, err } = await ifactor(native, words.split(' '));
      expect({ code, err }).toEqual({ code: 0, err: '' });
    },
  );
});

test('an object that the log does not know is an error, as for trace', async () => {
  for (const command of ['events', 'trace']) {
    const { code, out, err } = await ifactor(native, [command, 'nl/nope', ...file()]);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^ifactor: the log holds no .*nl\/nope|^ifactor: the log holds no .*default\/nope/);
  }
  const { code, err } = await ifactor(native, ['events', 'nl/a', '--type', 'SecretResolved', ...file()]);
  expect({ code, err }).toEqual({ code: 0, err: 'ifactor: the log holds no such events\n' });
});

test.each(['--help', '--version'])('ifactor %s loads no command', async (flag) => {
  const heavy = ['vite', 'ws', 'elkjs', 'xstate', 'zod', 'picocolors', 'yaml'];
  const ours = ['@ifactor/lab', '@ifactor/actors', '@ifactor/crds', '@nats-io/transport-node', '@nats-io/jetstream'];
  const { code, err } = await ifactor([...native, ...heavy, ...ours], [flag]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
});
