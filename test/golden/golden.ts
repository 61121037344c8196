import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashOf } from '@ifactor/actors';
import { machineVersion } from '@ifactor/crds';
import type { Key, RecordedEvent } from '@ifactor/crds';
import { openFile, actorOf, lived, replay } from '@ifactor/cli';

/** Where the logs are, each as `ifactor export` writes it: those of versions 1 and 2, and a folder for each version since. */
export const folder = join(import.meta.dirname, 'log');
/** Where logs of this version are recorded. */
export const ownFolder = join(folder, `v${machineVersion}`);
const foldsPath = join(import.meta.dirname, 'folds.json');

/** What an actor's log folds to: the digest at its end, and states that this version decides otherwise, by event. */
export type Fold = { events: number; digest: string; otherwise?: Record<string, string> };
/** By log, then by actor. */
export type Folds = Record<string, Record<string, Fold>>;

export const spell = ({ kind, namespace, name }: Key): string => `${kind}/${namespace}/${name}`;

export const logNames = (): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => name.slice(0, -'.jsonl'.length))
    .toSorted();

export async function readLog(path: string): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const event of (await openFile(path)).events({})) events.push(event);
  return events;
}

/** Folds every actor of a log with the code at hand. */
export function foldLog(events: readonly RecordedEvent[]): Record<string, Fold> {
  return Object.fromEntries([...Map.groupBy(events, actorOf)].map(([actor, log]) => [actor, foldActor(log)]));
}

function foldActor(events: readonly RecordedEvent[]): Fold {
  const otherwise: Record<string, string> = {};
  let digest = '';
  for (const { event, snapshot } of replay(lived(events))) {
    digest = hashOf(snapshot);
    if (snapshot.value !== event.state)
      otherwise[`#${event.sequence} ${event.type}`] = `${snapshot.value}, recorded ${event.state}`;
  }
  return { events: events.length, digest, ...(Object.keys(otherwise).length === 0 ? {} : { otherwise }) };
}

export async function foldAll(): Promise<Folds> {
  const entries = logNames().map(async (name): Promise<[string, Record<string, Fold>]> => [
    name,
    foldLog(await readLog(join(folder, `${name}.jsonl`))),
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

export const readFolds = (): Folds => JSON.parse(readFileSync(foldsPath, 'utf8')) as Folds;
export const writeFolds = (folds: Folds): void => writeFileSync(foldsPath, `${JSON.stringify(folds, null, 2)}\n`);
