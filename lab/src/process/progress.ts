import { systemClock } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import pc from 'picocolors';
import type { WriteStream } from 'node:tty';

/** Tells a person what happens, a line per step that is done. */
export type Progress = {
  /** Runs the step, then prints its title and duration. `describe` may add a summary of the result. */
  step<T>(title: string, act: () => Promise<T>, describe?: (result: T) => string): Promise<T>;
  say: (line: string) => void;
};

/** Marks in colour on a terminal, plain elsewhere. */
export function createProgress(
  out: Pick<WriteStream, 'write' | 'isTTY'> = process.stderr,
  clock: Clock = systemClock,
): Progress {
  const { green, red, dim } = pc.createColors(out.isTTY && pc.isColorSupported);
  const say = (line: string) => {
    out.write(`${line}\n`);
  };
  return {
    say,
    async step(title, act, describe) {
      const started = clock.monotonic();
      const took = () => dim(`${((clock.monotonic() - started) / 1000).toFixed(1)} s`);
      try {
        const result = await act();
        const more = describe?.(result);
        say(`${green('✓')} ${title}${more ? ` ${more}` : ''}  ${took()}`);
        return result;
      } catch (error) {
        say(`${red('✗')} ${title}  ${took()}`);
        throw error;
      }
    },
  };
}
