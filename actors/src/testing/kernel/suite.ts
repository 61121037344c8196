/** What every `Kernel` must do. Run against the kernel in memory and against this machine's. */
import { afterEach, beforeEach, describe } from 'vitest';
import { addressSuite } from './addresses.ts';
import { Fixture, type Bench } from './fixture.ts';
import { kindSuite } from './kinds.ts';
import { linkSuite } from './links.ts';
import { wireguardSuite } from './wireguard.ts';

export type { Bench } from './fixture.ts';

/** @param open a fresh bench for each test @param options.lacks kinds that this kernel does not have */
export function kernelSuite(
  name: string,
  open: () => Promise<Bench>,
  options: { skip?: boolean; lacks?: readonly string[] } = {},
): void {
  describe.skipIf(options.skip)(`kernel: ${name}`, () => {
    let bench: Bench | undefined;
    let on: Fixture;
    beforeEach(async () => {
      bench = await open();
      on = await Fixture.make(bench);
    });
    afterEach(() => bench?.close());
    for (const part of [linkSuite, kindSuite, addressSuite, wireguardSuite]) part(() => on, options.lacks ?? []);
  });
}
