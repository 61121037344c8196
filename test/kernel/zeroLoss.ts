import { join, resolve } from 'node:path';
import { natsServerPath } from '@ifactor/common/testing';
import { startVm } from '@ifactor/lab/vm';
import { expect, onTestFinished } from 'vitest';
import { runInside, type InsideResult } from './inside.ts';

const actors = resolve(import.meta.dirname, '../../actors');

/** heal/zeroLoss.test.ts inside a VM, of which emulation makes eight minutes. */
export async function zeroLossInside(): Promise<InsideResult> {
  const vm = await startVm({ kernel: 'newest', memoryMb: 2048, report: (line) => console.log(`vm: ${line}`) });
  onTestFinished(() => vm.stop());
  const env = {
    IFACTOR_NATS_SERVER: natsServerPath(),
    IFACTOR_TUNNELS: 'kernel',
    IFACTOR_SLOWNESS: vm.accelerator === 'kvm' ? '1' : '8',
    NODE_COMPILE_CACHE: '/run/ifactor-compiled',
  };
  // An emulated processor takes half a minute to start an agent, and half of that where all is compiled; who is killed keeps nothing.
  expect(await vm.run([process.execPath, join(actors, 'src/main.ts'), '--help'], { env })).toMatchObject({ code: 0 });
  const result = await runInside(vm, 'test', ['heal/zeroLoss.test.ts'], undefined, { env, timeoutMs: 1_100_000 });
  console.log(
    result.output
      .split('\n')
      .filter((line) => /sent \d+|✓|×/.test(line))
      .join('\n'),
  );
  return result;
}
