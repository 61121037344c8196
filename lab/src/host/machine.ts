import { ownProgram } from '#files';
import { captureGuest } from '../vm/command.ts';
import { readControl } from '../vm/protocol.ts';
import { LabError } from '../cluster/error.ts';
import type { Manifest } from '../cluster/manifest.ts';
import { pathsOf } from '../cluster/paths.ts';
import { capture, type Result } from './shell.ts';

/** Where nodes and containers are, and their agents run: this machine or a virtual one. */
export type Machine = {
  /** Runs a program there to its end, whatever its exit code. */
  capture(program: string, args: string[], options?: { input?: string }): Promise<Result>;
  /** What to run here so that this command runs there, with its streams, signals and exit code. */
  argv(command: string[]): string[];
};

export const host: Machine = { capture, argv: (command) => command };

export function machineOf({ dir, vm }: Pick<Manifest, 'dir' | 'vm'>): Machine {
  if (!vm) return host;
  const { vmControl } = pathsOf(dir);
  return {
    async capture(program, args, { input = '' } = {}) {
      try {
        const { code, stdout, stderr } = await captureGuest(readControl(vmControl), [program, ...args], { input });
        return { code: code ?? 128, stdout, stderr };
      } catch (error) {
        return { code: 127, stdout: '', stderr: error instanceof Error ? error.message : String(error) };
      }
    },
    argv: (command) => [process.execPath, ownProgram('inside'), vmControl, ...command],
  };
}

/** Runs a program there and returns its output. @throws LabError with the program's message if it fails */
export async function mustThere(
  machine: Machine,
  program: string,
  args: string[],
  options?: { input?: string },
): Promise<string> {
  const { code, stdout, stderr } = await machine.capture(program, args, options);
  if (code === 0) return stdout;
  throw new LabError(`${program} ${args.join(' ')} failed (${code}): ${(stderr || stdout).trim()}`);
}
