/** The peer: `ip -batch`, which knows beforehand all that there is to do and keeps no record. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { addNetns, verify } from './netns.ts';
import { batchText, type Bridge } from './workload.ts';

/** @returns milliseconds from the start of the program to its end */
export async function runPeer(list: readonly Bridge[], label: string): Promise<number> {
  const netns = await addNetns(label);
  const text = batchText(list);
  const start = performance.now();
  const child = spawn('ip', ['-n', netns, '-batch', '-'], { stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.end(text);
  const [code] = (await once(child, 'exit')) as [number | null];
  const took = performance.now() - start;
  if (code !== 0) throw new Error(`ip -batch ended with ${code}`);
  await verify(netns, list);
  return took;
}
