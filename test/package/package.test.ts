import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { labPrefix } from '../lane/interrupt.ts';

/*
 * The three programs as a person gets them who has Node and no clone: packed, and installed from the archives into an empty folder.
 */
const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const packages = { ifactor: 'lab/cli', 'ifactor-agent': 'actors', 'ifactor-bridge': 'bridge' };
let folder: string;
let env: NodeJS.ProcessEnv;

/** Without what npm tells its children, and with no program of the clone on PATH but its Node. */
function bareEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|TURBO|VITEST|NODE_OPTIONS|INIT_CWD)/i.test(name));
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((part) => !part.startsWith(root));
  return { ...Object.fromEntries(own), NO_COLOR: '1', PATH: [dirname(process.execPath), ...path].join(delimiter) };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ift-package-'));
  env = bareEnvironment();
  await run('npm', ['run', 'build', '--silent'], { cwd: root, env });
  const archives = join(folder, 'archives');
  await mkdir(archives);
  const dists = Object.values(packages).map((workspace) => join(root, workspace, 'dist'));
  const { stdout } = await run('npm', ['pack', '--silent', ...dists], { cwd: archives, env });
  const files = stdout
    .trim()
    .split('\n')
    .map((file) => join(archives, file));
  await mkdir(join(folder, 'installed'));
  const flags = ['--omit=dev', '--no-audit', '--no-fund', '--prefer-offline'];
  await run('npm', ['install', ...flags, ...files], { cwd: join(folder, 'installed'), env });
  await copyFile(join(root, 'test/golden/log/drift.jsonl'), join(folder, 'bug.log'));
}, 300_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const installed = (): string => join(folder, 'installed');
const program = (name: string): string => join(installed(), 'node_modules/.bin', name);
const ifactor = (...args: string[]) => run(program('ifactor'), args, { cwd: folder, env, maxBuffer: 1e8 });

describe.each(Object.keys(packages))('%s', (name) => {
  test('says its version and how to use it', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    expect((await run(program(name), ['--version'], { env })).stdout).toBe(`${version}\n`);
    expect((await run(program(name), ['--help'], { env })).stdout).toMatch(new RegExp(`^Usage: ${name} `));
  });

  test('needs no source, no type stripping, no tool that builds', async () => {
    const { dependencies } = JSON.parse(
      await readFile(join(installed(), 'node_modules', name, 'package.json'), 'utf8'),
    ) as { dependencies: Record<string, string> };
    const native = name === 'ifactor-agent' ? ['koffi', 'netlink'] : [];
    const beside = name === 'ifactor' ? ['ifactor-agent', 'ifactor-bridge'] : [];
    expect(Object.keys(dependencies)).toEqual([...native, ...beside]);
    const main = await readFile(join(installed(), 'node_modules', name, 'main.js'), 'utf8');
    expect(main).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(main).toMatch(/\/\/# sourceMappingURL=main\.js\.map\s*$/);
  });
});

test('draws the machine, and folds a log that was dropped here', async () => {
  expect((await ifactor('machine')).stdout).toContain('stateDiagram-v2');
  const { stdout } = await ifactor('replay', '--verify', '--file', 'bug.log');
  expect(stdout).toMatch(/^(\d+) of \1 actors equal/m);
});

test('serves the page of a log that was dropped here', async () => {
  const ui = spawn(program('ifactor'), ['ui', '--file', 'bug.log'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void ui.kill('SIGKILL'));
  const [address] = (await once(createInterface(ui.stdout), 'line')) as [string];
  const page = await fetch(address);
  expect(page.status).toBe(200);
  const [, script] = /<script[^>]* src="([^"]+)"/.exec(await page.text()) ?? [];
  expect((await fetch(new URL(script ?? '', address))).headers.get('content-type')).toMatch(/javascript/);
  const closed = once(ui, 'close');
  ui.kill('SIGTERM');
  expect(await closed).toEqual([0, null]);
});

test.each(['SIGTERM', 'SIGHUP', 'SIGKILL'] as const)(
  'a bridge ends when the npx that started it gets %s',
  async (signal) => {
    const kubeconfig = join(installed(), 'kubeconfig');
    await writeFile(
      kubeconfig,
      JSON.stringify({
        'current-context': 'c',
        contexts: [{ name: 'c', context: { cluster: 'c' } }],
        clusters: [{ name: 'c', cluster: { server: 'http://127.0.0.1:9' } }],
      }),
    );
    const args = ['ifactor-bridge', '--kubeconfig', kubeconfig, '--nats', 'nats://127.0.0.1:9'];
    const npx = spawn('npx', ['--no-install', ...args], { cwd: installed(), env, stdio: ['ignore', 'ignore', 'pipe'] });
    const [line] = (await once(createInterface(npx.stderr), 'line')) as [string];
    expect(line).toContain('waiting for NATS');
    // Closed once nobody holds the other end any more, the bridge neither.
    const closed = once(npx.stderr, 'close');
    npx.kill(signal);
    await closed;
  },
);

test('performs the demo', { timeout: 300_000 }, async () => {
  const dir = await mkdtemp(labPrefix());
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const { stdout } = await ifactor('lab', 'demo', '--runtime', 'netns', '--dir', dir);
  expect(stdout.match(/packets transmitted, .* 0% packet loss/g)?.length).toBeGreaterThanOrEqual(5);
  expect(stdout).toContain(join('installed/node_modules/ifactor/crds/examples'));
});
