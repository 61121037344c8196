import { fileURLToPath } from 'node:url';
import { run } from './netns.ts';

type How = { flags?: string[]; folder?: string };

/** Runs one of `layer/*.ts`, which prints JSON. `flags` are node's; `folder` is for its temporary files. */
export async function child<T>(name: string, args: string[] = [], { flags = [], folder }: How = {}): Promise<T> {
  const env = folder === undefined ? process.env : { ...process.env, TMPDIR: folder };
  const { stdout } = await run(
    process.execPath,
    [...flags, fileURLToPath(new URL(`layer/${name}.ts`, import.meta.url)), ...args],
    { env, maxBuffer: 64 << 20 },
  );
  return JSON.parse(stdout) as T;
}
