import { join, resolve } from 'node:path';
import { natsServer } from '@ifactor/actors/testing';
import { startVm, whyNoVm } from '@ifactor/lab/vm';
import { expect, onTestFinished, test, vi } from 'vitest';
import { runInside } from './inside.ts';

vi.setConfig({ testTimeout: 1_200_000 });
const actors = resolve(import.meta.dirname, '../../actors');

// Emulation makes eight minutes of it.
const lack = process.env['IFACTOR_KERNEL_MATRIX'] === 'both' ? await whyNoVm('newest') : 'IFACTOR_KERNEL_MATRIX is not `both`';

test.skipIf(lack !== undefined)(`the kernel's own tunnels carry every packet, whatever becomes of the agents${lack === undefined ? '' : `: ${lack}`}`, async () => {
  const vm = await startVm({ kernel: 'newest', memoryMb: 2048, report: (line) => console.log(`vm: ${line}`) });
  onTestFinished(() => vm.stop());
  const env = {
    IFACTOR_NATS_SERVER: natsServer(),
    IFACTOR_TUNNELS: 'kernel',
    IFACTOR_SLOWNESS: vm.accelerator === 'kvm' ? '1' : '8',
    NODE_COMPILE_CACHE: '/run/ifactor-compiled',
  };
  // An emulated processor takes half a minute to start an agent, and half of that where all is compiled; who is killed keeps nothing.
  expect(await vm.run([process.execPath, join(actors, 'src/main.ts'), '--help'], { env })).toMatchObject({ code: 0 });
  const { passed, failed, skipped, output } = await runInside(vm, 'test', ['heal/zeroLoss.test.ts'], undefined, { env, timeoutMs: 1_100_000 });
  console.log(output.split('\n').filter((line) => /sent \d+|✓|×/.test(line)).join('\n'));
  expect({ failed, skipped }).toEqual({ failed: [], skipped: [] });
  expect(passed).toBe(6);
});
