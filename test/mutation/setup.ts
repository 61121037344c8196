import fc from 'fast-check';
import { isRecord } from '@ifactor/common/json';
import { inject } from 'vitest';

// In a thread that has run another mutant: what test files do while they are loaded is done without any.
declare module 'vitest' {
  interface ProvidedContext {
    mutantActivation?: 'static' | 'runtime';
  }
}
const stryker: unknown = Reflect.get(globalThis, '__stryker__');
if (isRecord(stryker) && inject('mutantActivation') === 'runtime') stryker['activeMutant'] = undefined;

// A property is tried for so long, and its counterexample not made small: that it fails is all that counts here.
fc.configureGlobal({ interruptAfterTimeLimit: 3000, endOnFailure: true });

// Suites that run on the kernel in memory and on the real one run on the first only.
process.getuid = () => 65_534;

// A test of a node waits no longer than this for what a mutant never does.
process.env['IFACTOR_PATIENCE_MS'] = '4000';
