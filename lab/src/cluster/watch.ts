import type { Manifest } from './manifest.ts';
import { running } from '../process/program.ts';
import { parts } from './programs.ts';

const interval = 1000;

/** Tells when a part of the lab ends or runs again, until stopped. Keeps this process alive meanwhile. */
export function watchParts(lab: Manifest, say: (line: string) => void): { stop: () => void } {
  const dead = new Set<string>();
  // The parts are no children of a process that may have gone on without its starter, so they have to be looked at.
  const timer = setInterval(() => {
    for (const part of parts(lab)) {
      const up = running(lab.dir, part) !== undefined;
      if (up && dead.delete(part)) say(`${part} runs again`);
      if (!up && !dead.has(part)) {
        dead.add(part);
        say(`${part} does not run: ifactor lab restart ${part}`);
      }
    }
  }, interval);
  return { stop: () => clearInterval(timer) };
}
