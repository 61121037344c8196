import { setTimeout as sleep } from 'node:timers/promises';
import type { Dice } from '../heal/dice.ts';
import type { Part } from './part.ts';

/** How often each part was killed and frozen. */
export type Toll = Record<string, { killed: number; frozen: number }>;

/** The longest that a part is stopped, in milliseconds: longer than the lease of a bridge, which is 4 s. */
const longestMs = 7000;

/** Kills parts with -9 or freezes them, `count` times, one or two at a time; all run again when it resolves. */
export async function cause(parts: readonly Part[], count: number, dice: Dice): Promise<Toll> {
  const toll: Toll = Object.fromEntries(parts.map(({ name }) => [name, { killed: 0, frozen: 0 }]));
  const busy = new Set<Part>();
  let left = count;

  async function one(part: Part): Promise<void> {
    // Most are short, so that some hit a start.
    const awayMs = longestMs * dice.roll() ** 3;
    if (dice.roll() < 0.6) {
      await part.kill();
      toll[part.name]!.killed++;
      await sleep(awayMs / 3);
      await part.start();
    } else {
      part.freeze();
      toll[part.name]!.frozen++;
      await sleep(awayMs);
      part.thaw();
    }
  }
  async function work(): Promise<void> {
    while (left-- > 0) {
      const part = dice.one(parts.filter((each) => !busy.has(each)));
      busy.add(part);
      await one(part);
      busy.delete(part);
      await sleep(dice.below(1500));
    }
  }
  await Promise.all([work(), work()]);
  return toll;
}
