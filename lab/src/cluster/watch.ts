import { systemClock } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import type { Manifest } from './manifest.ts';
import { running } from '../process/program.ts';
import { parts } from './programs.ts';

const lookEveryMs = 1000;

/** Tells when a part of the lab ends or runs again, until stopped. Keeps this process alive meanwhile. */
export function watchParts(
  lab: Manifest,
  say: (line: string) => void,
  clock: Clock = systemClock,
): { stop: () => void } {
  const dead = new Set<string>();
  // The parts are no children of a process that may have gone on without its starter, so they have to be looked at.
  let cancel = clock.after(lookEveryMs, look, true);
  function look(): void {
    cancel = clock.after(lookEveryMs, look, true);
    for (const part of parts(lab)) {
      const up = running(lab.dir, part) !== undefined;
      if (up && dead.delete(part)) say(`${part} is running again`);
      if (!up && !dead.has(part)) {
        dead.add(part);
        say(`${part} is not running; start it with: ifactor lab restart ${part}`);
      }
    }
  }
  return { stop: () => cancel() };
}
