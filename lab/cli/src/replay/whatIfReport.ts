import { printable } from '@ifactor/common';
import { machineVersion } from '@ifactor/crds';
import pc from 'picocolors';
import { actorOf, replayAll } from '../log/lives.ts';
import type { Selector } from '../log/selector.ts';
import type { LogSource } from '../log/source.ts';
import { eventText } from '../log/text.ts';
import { WhatIf } from './whatIf.ts';

/** Prints what `ifactor replay --what-if` finds: for each actor the first decision that differs. */
export async function runWhatIf(source: LogSource, selector: Selector): Promise<void> {
  let actors = new Map<string, WhatIf>();
  const begin = () => {
    actors = new Map();
    return (step: Parameters<WhatIf['see']>[0]): void => {
      const actor = actorOf(step.event);
      let comparison = actors.get(actor);
      if (!comparison) actors.set(actor, (comparison = new WhatIf()));
      comparison.see(step);
    };
  };
  await replayAll(() => source.events(selector), begin);
  if (actors.size === 0) throw new Error('the log holds no such events');
  let differing = 0;
  for (const [actor, { difference }] of actors) {
    if (difference === null) continue;
    differing++;
    const { event, recorded, now } = difference;
    console.log(
      `${pc.bold(printable(actor))}\n  ${eventText(event)}\n  ${pc.red('recorded')}  ${printable(recorded)}\n  ${pc.green('this code')} ${printable(now)}`,
    );
  }
  const unknown = [...actors.values()].filter((comparison) => comparison.unknown).length;
  const rest = unknown === 0 ? '' : `; ${unknown} unknown, because the log lacks their first events`;
  console.log(
    `${differing} of ${actors.size} actors would have been treated differently by this code (machine version ${machineVersion})${rest}`,
  );
}
