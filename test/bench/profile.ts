/** Where the time goes, from V8's CPU profiles. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

type Frame = { functionName: string; url: string; lineNumber: number };
type Profile = { nodes: { id: number; callFrame: Frame }[]; samples: number[]; timeDeltas: number[] };
export type Share = { what: string; milliseconds: number };

/** Self time of all profiles in a folder, by function and by part of the system; idle time is left out. Most first. */
export function readProfiles(folder: string): { functions: Share[]; parts: Share[] } {
  const functions = new Map<string, number>();
  const parts = new Map<string, number>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))) {
    const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile;
    const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
    for (const [i, id] of samples.entries()) {
      const frame = frames.get(id);
      if (!frame || frame.functionName === '(idle)' || frame.functionName === '(root)') continue;
      const milliseconds = (timeDeltas[i] ?? 0) / 1000;
      add(functions, `${frame.functionName || '(anonymous)'} ${place(frame)}`, milliseconds);
      add(parts, part(frame), milliseconds);
    }
  }
  return { functions: sorted(functions), parts: sorted(parts) };
}

function add(map: Map<string, number>, key: string, value: number): void {
  map.set(key, (map.get(key) ?? 0) + value);
}

function sorted(map: Map<string, number>): Share[] {
  return [...map]
    .map(([what, milliseconds]) => ({ what, milliseconds }))
    .toSorted((a, b) => b.milliseconds - a.milliseconds);
}

function place({ url, lineNumber }: Frame): string {
  return url === '' ? '' : `${url.replace(/^.*\/(node_modules\/|(?=(actors|crds)\/src\/))/, '')}:${lineNumber + 1}`;
}

function part({ functionName, url }: Frame): string {
  const ours = /\/((?:actors|crds)\/src\/[^/]+)/.exec(url)?.[1];
  if (ours !== undefined) return ours;
  const dependency = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (dependency !== undefined) return dependency;
  if (functionName.startsWith('(')) return functionName;
  return url.startsWith('node:') ? 'node' : 'native';
}
