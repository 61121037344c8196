import { actorOf, whatIf } from '@ifactor/cli';
import { machineVersion } from '@ifactor/crds';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { foldAll, folder, logNames, readFolds, readLog } from '../golden/golden.ts';

/* What the lane `golden` asks of recorded lives, as far as it does not take long: for the mutation run of the machine. */

test('recorded lives fold to what they did', async () => {
  expect(await foldAll()).toEqual(readFolds());
});

test('recorded lives ask for the operations that they did', async () => {
  for (const name of logNames()) {
    const own = (await readLog(join(folder, `${name}.jsonl`))).filter(({ machine }) => machine === machineVersion);
    for (const log of Map.groupBy(own, actorOf).values()) expect(whatIf(log)).toBeNull();
  }
});
