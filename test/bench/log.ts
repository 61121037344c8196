/** The event log: how fast it folds, how fast a point of it is found, what interfaces at rest weigh, what keeping it costs. */
import { connectOnce, ensureStreams } from '@ifactor/common/nats';
import { startNats } from '@ifactor/common/testing';
import { natsProgram } from './natsProgram.ts';
import { child } from './layer.ts';
import {
  type Converging,
  foldText,
  type FoldRates,
  idleText,
  type IdleBytes,
  keeping,
  type Kept,
  seekText,
  type SeekTimes,
} from './logReport.ts';
import { addNetns, verify } from './netns.ts';
import { bridges } from './workload.ts';

export type LogResult = { fold: FoldRates; seek: SeekTimes; idle: IdleBytes };
type Progress = (what: string) => void;

export async function measureLog({
  folder,
  events,
  actors,
  progress,
}: {
  folder: string;
  events: number;
  actors: number;
  progress: Progress;
}): Promise<LogResult> {
  progress('folding');
  const fold = await child<FoldRates>('fold');
  progress(`a journal of ${events} events`);
  const seek = await child<SeekTimes>('seek', [String(events)], { folder });
  progress(`${actors} interfaces at rest`);
  const idle = await child<IdleBytes>('idle', [String(actors)], {
    folder,
    flags: ['--expose-gc', '--max-old-space-size=8192'],
  });
  return { fold, seek, idle };
}

export const logText = ({ fold, seek, idle }: LogResult): string =>
  [...foldText(fold), ...seekText(seek), ...idleText(idle)].join('\n');

/** In turns, so that what else happens on the machine meets all alike. */
export async function measureKeeping({
  folder,
  count,
  repetitions,
  progress,
}: {
  folder: string;
  count: number;
  repetitions: number;
  progress: Progress;
}): Promise<Kept> {
  const kept: Kept = { nothing: [], journal: [], ship: [] };
  const nats = await startNats({ folder, program: await natsProgram() });
  const connection = await connectOnce({ servers: nats.url, name: 'bench' });
  try {
    await ensureStreams(connection);
    for (let i = 0; i < repetitions; i++) {
      for (const mode of keeping) {
        progress(`${i + 1} of ${repetitions}: ${mode}`);
        const netns = await addNetns(`${mode}${i}`);
        kept[mode].push(
          await child<Converging>('shipped', [`/run/netns/${netns}`, String(count), mode, nats.url], { folder }),
        );
        await verify(netns, bridges(count));
      }
    }
  } finally {
    await connection.close();
    await nats.stop();
  }
  return kept;
}
