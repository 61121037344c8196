import { stat } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { choose, startVm, VmFailed, VmUnavailable, type Age, type Vm } from '@ifactor/lab/vm';
import { runInside } from './inside.ts';
import { zeroLossInside } from './zeroLoss.ts';

/** Every kind that semantics.md names, and the options that `ip link add` needs for it. */
const KINDS: [kind: string, ...options: string[]][] = [
  ['wireguard'],
  ['dummy'],
  ['bridge'],
  ['veth', 'peer', 'name', 'far'],
  ['vxlan', 'id', '142', 'dstport', '4789', 'local', '127.0.0.1'],
  ['vrf', 'table', '10'],
  ['ipip', 'local', '127.0.0.1', 'remote', '127.0.0.2'],
  ['gre', 'local', '127.0.0.1', 'remote', '127.0.0.2'],
];

/** Suites of the actors workspace; `only` names the part that wants a real kernel, `least` how many tests there are at least. */
interface Suite {
  what: string;
  file: string;
  only?: string;
  least: number;
  env?: Record<string, string>;
}

const access: Suite = { what: 'the suite of our kernel access', file: 'src/kernel/linux/kernel.test.ts', least: 30 };
const healing: Suite = {
  what: 'the healing matrix',
  file: 'src/node/runner/healing.test.ts',
  only: 'as root',
  least: 280,
};
const agreement: Suite = {
  what: 'the comparison of ours with what ip and wg print and write',
  file: 'src/testing/agreement/agreement.test.ts',
  least: 20,
  env: { IFACTOR_RUNS: process.env['IFACTOR_RUNS'] ?? '2' },
};
/** What the kernels of most machines lack, or have only as a process of its own; the rest of the matrix runs on this machine's. */
const rows: Suite = {
  ...healing,
  what: 'the healing matrix for WireGuard, dummy, vlan, vrf, ipip and gre',
  only: 'as root.* (wireguard|dummy|vlan|vrf|ipip|gre): ',
  least: 90,
};

// Emulation makes minutes of the matrix: all of it, and on both kernels, where IFACTOR_KERNEL_MATRIX is `both`.
const both = process.env['IFACTOR_KERNEL_MATRIX'] === 'both';
const SUITES: Record<Age, Suite[]> = both
  ? { oldest: [access, agreement, healing], newest: [access, agreement, healing] }
  : { oldest: [access], newest: [access, agreement, rows] };

test('takes the newest package of the oldest and of the newest series', () => {
  const names = ['6.1.0-9', '6.12.5+deb12', '6.1.0-56', '6.12.117+deb12', '6.12.99+deb12'].map(
    (version) => `linux-image-${version}-amd64`,
  );
  expect(choose('oldest', ['linux-image-6.12-amd64', ...names])).toBe('linux-image-6.1.0-56-amd64');
  expect(choose('newest', ['linux-image-6.12-amd64', ...names])).toBe('linux-image-6.12.117+deb12-amd64');
});

describe.each(['oldest', 'newest'] as const)('the %s kernel of Debian', (kernel) => {
  let vm: Vm;
  let unavailable: string | undefined;

  beforeAll(async () => {
    try {
      vm = await startVm({ kernel, report: (line) => console.log(`vm: ${line}`) });
    } catch (error) {
      if (!(error instanceof VmUnavailable)) throw error;
      unavailable = error.message;
    }
  });
  beforeEach(({ skip }) => skip(unavailable !== undefined, unavailable));
  afterAll(() => vm?.stop());

  const inside = async (...command: string[]) => {
    const { code, stdout, stderr } = await vm.run(command);
    return { code, stdout: stdout.trim(), stderr: stderr.trim() };
  };

  test('is the one that was asked for', async () => {
    expect(await inside('uname', '-r')).toEqual({ code: 0, stdout: vm.release, stderr: '' });
    console.log(`${vm.release}: up after ${(vm.bootMs / 1000).toFixed(1)} s`);
  });

  test.each(KINDS)('has %s', async (kind, ...options) => {
    onTestFinished(async () => void (await inside('ip', 'link', 'delete', 'if1')));
    expect(await inside('ip', 'link', 'add', 'if1', 'type', kind, ...options)).toMatchObject({ code: 0, stderr: '' });
    expect((await inside('ip', '-details', 'link', 'show', 'if1')).stdout).toContain(kind);
  });

  test.each(['vlan', 'macvlan'])('has %s', async (kind) => {
    onTestFinished(async () => void (await inside('ip', 'link', 'delete', 'low')));
    await inside('ip', 'link', 'add', 'low', 'type', 'dummy');
    const options = kind === 'vlan' ? ['id', '5'] : [];
    expect(await inside('ip', 'link', 'add', 'link', 'low', 'name', 'if1', 'type', kind, ...options)).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect((await inside('ip', '-details', 'link', 'show', 'if1')).stdout).toContain(kind);
  });

  test('runs the same node', async () => {
    expect(await inside(process.execPath, '--version')).toEqual({ code: 0, stdout: process.version, stderr: '' });
  });

  test('tells exit code, both outputs and input apart', async () => {
    const result = await vm.run(['sh', '-c', 'cat; echo $WORD >&2; pwd; exit 3'], {
      input: 'in\n',
      env: { WORD: 'err' },
      cwd: '/usr',
    });
    expect(result).toEqual({ code: 3, signal: null, stdout: 'in\n/usr\n', stderr: 'err\n' });
  });

  test('shows the files of this machine, and keeps its own writes to itself', async () => {
    expect(await inside('sha256sum', import.meta.filename)).toMatchObject({ code: 0 });
    const file = `${import.meta.filename}.written-inside`;
    expect(await inside('touch', file)).toMatchObject({ code: 0 });
    await expect(stat(file)).rejects.toThrow('ENOENT');
  });

  test('kills a command that hangs, and says what it last said', async () => {
    const hung = vm.run(['sh', '-c', 'echo working on it; exec sleep 1000'], { timeoutMs: 2000 });
    await expect(hung).rejects.toThrow(VmFailed);
    await expect(hung).rejects.toThrow('working on it');
    expect((await inside('pgrep', '-x', 'sleep')).stdout).toBe('');
  });

  test('says so when a command cannot be started', async () => {
    await expect(vm.run(['/no/such/program'])).rejects.toThrow('ENOENT');
  });

  test.each(SUITES[kernel])('passes $what', { timeout: 900_000 }, async ({ file, only, least, env = {} }) => {
    const { passed, failed, skipped } = await runInside(vm, 'actors', [file], only, { env });
    // With `only`, the rest of the file is left out on purpose.
    expect({ failed, skipped: only === undefined ? skipped : [] }).toEqual({ failed: [], skipped: [] });
    expect(passed).toBeGreaterThanOrEqual(least);
  });

  // Last: nothing runs in this VM afterwards.
  test('a guest that dies shows its console', async () => {
    const lost = vm.run([
      'sh',
      '-c',
      'echo 1 >/proc/sys/kernel/sysrq; echo last words >/dev/console; sleep 1; echo c >/proc/sysrq-trigger; sleep 60',
    ]);
    await expect(lost).rejects.toThrow('last words');
  });
});

test.each(both ? ['whatever becomes of the agents'] : [])(
  "the kernel's own tunnels carry every packet, %s",
  { timeout: 1_200_000 },
  async () => {
    const { passed, failed, skipped } = await zeroLossInside();
    expect({ passed, failed, skipped }).toEqual({ passed: 7, failed: [], skipped: [] });
  },
);
