/** What is said of the event log: folding, seeking, memory, and what keeping it costs. */
import { percentile, rate, summarize } from './stats.ts';

/** Events per second. `recorded`: golden logs; `step` and `transition`: XState alone; the rest of one bridge that is healed again and again. */
export type FoldRates = {
  fold: number;
  recorded: number;
  step: number;
  transition: number;
  parse: number;
  parsedAndFolded: number;
};

/** Milliseconds of each seek; `first`: the one right after the file was opened; `row`: one event by its number, by SQLite alone. */
export type SeekTimes = {
  events: number;
  megabytes: number;
  first: number;
  byNumber: number[];
  byTime: number[];
  row: number[];
};

/** Bytes of heap for each interface at rest: its actor with its runner, and its link in a kernel in memory with its cache. */
export type IdleBytes = { count: number; actor: number; link: number };

/** Milliseconds until all interfaces are configured, and until all their events are shipped. */
export type Converging = { took: number; shipped: number; events: number };
export const keeping = ['nothing', 'journal', 'ship'] as const;
export type Kept = Record<(typeof keeping)[number], Converging[]>;

export function foldText({ fold, recorded, step, transition, parse, parsedAndFolded }: FoldRates): string[] {
  const beside = (what: string, value: number): string =>
    `  ${what.padEnd(44)} ${rate(value).padStart(11)}  ${(fold / value).toFixed(1).padStart(6)} ×`;
  return [
    `machine   ${rate(fold)} events folded, on one core; beside it, and how many times as fast it is`,
    beside('recorded lives (test/golden)', recorded),
    beside("XState's step with one scope for all", step),
    beside("XState's transition()", transition),
    beside('JSON.parse of the same events', parse),
    beside('parsed and folded', parsedAndFolded),
  ];
}

const spread = (what: string, times: number[]): string =>
  `  ${what.padEnd(44)} p50 ${percentile(times, 50).toFixed(2)} ms, p99 ${percentile(times, 99).toFixed(2)} ms, most ${percentile(times, 100).toFixed(1)} ms`;

export function seekText({ events, megabytes, first, byNumber, byTime, row }: SeekTimes): string[] {
  return [
    `seek      ${byNumber.length} random points of a journal of ${events.toLocaleString('en')} events (${megabytes.toFixed(0)} MB)`,
    spread('to the number of an event', byNumber),
    spread('to a time', byTime),
    spread('SQLite alone: one event, parsed', row),
    `  ${'the first one after opening the file'.padEnd(44)} ${first.toFixed(1)} ms`,
  ];
}

export const idleText = ({ count, actor, link }: IdleBytes): string[] => [
  `memory    ${(actor / 1000).toFixed(2)} kB of heap for each of ${count.toLocaleString('en')} interfaces at rest (spec, what the kernel showed, actor, runner)`,
  `  ${'beside it: a link of the kernel in memory and its cache'.padEnd(44)} ${(link / 1000).toFixed(2)} kB`,
];

export function keptText(count: number, kept: Kept): string[] {
  const base = summarize(kept.nothing.map(({ took }) => took)).median;
  const line = (what: string, values: number[]): string => {
    const { median, least, most } = summarize(values);
    return `  ${what.padEnd(44)} ${median.toFixed(0)} ms  (${least.toFixed(0)} … ${most.toFixed(0)})  ${(100 * (median / base - 1)).toFixed(0).padStart(4)} %`;
  };
  return [
    `keeping   ${count} bridges converge by actors on the kernel, ${kept.journal[0]?.events ?? 0} events; medians of ${kept.nothing.length}, and what is added`,
    line(
      'no journal',
      kept.nothing.map(({ took }) => took),
    ),
    line(
      'journal',
      kept.journal.map(({ took }) => took),
    ),
    line(
      'journal and shipping to NATS',
      kept.ship.map(({ took }) => took),
    ),
    line(
      '  until the last event is stored there',
      kept.ship.map(({ shipped }) => shipped),
    ),
  ];
}
