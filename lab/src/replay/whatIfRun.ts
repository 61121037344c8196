import type { RecordedEvent } from '@ifactor/crds';
import { machineVersion } from '@ifactor/crds';
import pc from 'picocolors';
import { actorOf } from './lives.ts';
import type { Selector } from './selector.ts';
import type { Source } from './source.ts';
import { eventText } from './text.ts';
import { whatIf } from './whatIf.ts';

/** Prints what `ifactor replay --what-if` finds: for each actor the first decision that differs. */
export async function runWhatIf(source: Source, selector: Selector): Promise<void> {
  const logs = new Map<string, RecordedEvent[]>();
  for await (const event of source.events(selector)) {
    const actor = actorOf(event);
    const log = logs.get(actor);
    if (log) log.push(event);
    else logs.set(actor, [event]);
  }
  if (logs.size === 0) throw new Error('the log holds no such events');
  let differing = 0;
  for (const [actor, log] of logs) {
    const difference = whatIf(log);
    if (difference === null) continue;
    differing++;
    const { event, recorded, now } = difference;
    console.log(`${pc.bold(actor)}\n  ${eventText(event)}\n  ${pc.red('recorded')}  ${recorded}\n  ${pc.green('this code')} ${now}`);
  }
  console.log(`${differing} of ${logs.size} actors would have been treated otherwise by this code (machine version ${machineVersion})`);
}
