import { execFileSync } from 'node:child_process';
import type { Runtime } from './lab.ts';

/** Runtimes that can be tried here. Where Docker does not answer its half is left out, which CI does not let pass. */
export function runtimes(): Runtime[] {
  try {
    execFileSync('docker', ['version'], { stdio: 'ignore', timeout: 10_000 });
    return ['docker', 'netns'];
  } catch (cause) {
    if (process.env['CI'] === 'true') throw new Error('CI needs a Docker engine for the end-to-end tests', { cause });
    return ['netns'];
  }
}
