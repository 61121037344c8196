/** In a process of its own: events that the machine folds per second, beside what others do with the same events. Prints JSON. */
import { join } from 'node:path';
import { initialTransition, transition } from 'xstate';
import { someKey, someLives } from '@ifactor/actors/testing';
import type { RecordedEvent } from '@ifactor/crds';
import { fold, initial, step, machine } from '@ifactor/actors';
import { folder, logNames, readLog } from '../../golden/golden.ts';
import { summarize } from '../stats.ts';
import type { FoldRates } from '../logReport.ts';

const count = 100_000;
const [key] = [someKey('br0')];

function* made(): Generator<RecordedEvent> {
  for (const event of someLives({ node: 'bench', eventId: String }, [key])) {
    if (event.sequence > count) return;
    yield event;
  }
}
const events = [...made()];
const lines = events.map((event) => JSON.stringify(event));
const recorded = (await Promise.all(logNames().map((name) => readLog(join(folder, `${name}.jsonl`))))).flatMap(
  (log) => [...Map.groupBy(log, (event) => event.key.name).values()],
);

/** Per second; the median of some repetitions after one to warm up. */
function rate(times: number, repetitions: number, run: () => void): number {
  run();
  const took = Array.from({ length: repetitions }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  return (times / summarize(took).median) * 1000;
}

function foldAll(log: readonly RecordedEvent[]): void {
  let snapshot = initial(key);
  for (const event of log) ({ snapshot } = fold(snapshot, event));
}

const few = events.slice(0, count / 5);
const rates: FoldRates = {
  fold: rate(count, 7, () => foldAll(events)),
  recorded: rate(recorded.flat().length * 100, 5, () => {
    for (let times = 0; times < 100; times++) for (const log of recorded) foldAll(log);
  }),
  step: rate(few.length, 3, () => {
    let snapshot = initial(key);
    for (const event of few) snapshot = step(snapshot, event);
  }),
  transition: rate(few.length, 3, () => {
    let [snapshot] = initialTransition(machine, { key });
    for (const event of few) [snapshot] = transition(machine, snapshot, event);
  }),
  parse: rate(count, 5, () => {
    for (const line of lines) JSON.parse(line);
  }),
  parsedAndFolded: rate(count, 5, () => {
    let snapshot = initial(key);
    for (const line of lines) ({ snapshot } = fold(snapshot, JSON.parse(line) as RecordedEvent));
  }),
};
console.log(JSON.stringify(rates));
