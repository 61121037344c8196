import { systemClock, systemRandom } from '@ifactor/common';
import type { Clock, Log, Random } from '@ifactor/common';

/** What every part of an agent is given: time, chance and a log. */
export type Runtime = { readonly clock: Clock; readonly random: Random; readonly log: Log };

export const systemRuntime = (log: Log): Runtime => ({ clock: systemClock, random: systemRandom, log });
