import { systemClock } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import type { Manifest } from './manifest.ts';
import { running } from '../process/program.ts';
import { parts } from './programs.ts';

const lookEveryMs = 1000;

/** Reports when a part of the lab ends or runs again, until stopped. Keeps this process alive until then. */
export function watchParts(
  lab: Manifest,
  say: (line: string) => void,
  clock: Clock = systemClock,
): { stop: () => void } {
  const dead = new Set<string>();
  // The parts may have been started by another process, so there is no exit event to wait for: poll them.
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
