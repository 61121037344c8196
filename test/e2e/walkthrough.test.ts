import { describe } from 'vitest';
import { runtimes } from './runtime.ts';
import { walkthrough } from './steps.ts';

// The same steps with today's manifests on the containers of each runtime, and with those of the old system on one: how a
// manifest is spelled and where its container comes from do not meet in the code.
const cases = runtimes().flatMap((runtime, at) =>
  ['', 'old/']
    .slice(0, at === 0 ? 2 : 1)
    .map((folder) => ({ runtime, folder, written: folder === '' ? 'today' : 'for the old system' })),
);

describe.each(cases)('the walkthrough, written $written, with containers of $runtime', ({ runtime, folder }) => {
  walkthrough(runtime, folder);
});
