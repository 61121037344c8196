/** In a process of its own: events appended to the journal per second, one by one and in groups. Prints JSON. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openJournal } from '@ifactor/actors/journal';
import { someEvents, someKey } from '@ifactor/actors/testing';

const folder = mkdtempSync(join(tmpdir(), 'ift-bench-'));
const journal = openJournal(folder, { node: 'bench' });
const log = {
  node: 'bench',
  get sequence() {
    return journal.sequence;
  },
  eventId: (at: number) => journal.eventId(at),
};

const rates: Record<string, number> = {};
for (const group of [1, 16, 256]) {
  const keys = Array.from({ length: group }, (_, i) => someKey(`br${i}`));
  const total = group === 1 ? 2_000 : 40_000;
  const start = performance.now();
  for (let done = 0; done < total; done += group) journal.append(someEvents(log, keys));
  rates[String(group)] = (total / (performance.now() - start)) * 1000;
}
journal.close();
rmSync(folder, { recursive: true });
console.log(JSON.stringify(rates));
