import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { text } from 'node:stream/consumers';
import { delimiter, join } from 'node:path';
import { LabError } from '../cluster/error.ts';

export type Result = { code: number; stdout: string; stderr: string };
type Options = { input?: string; env?: NodeJS.ProcessEnv; cwd?: string };

/** Runs a program to its end, whatever its exit code; 127 where it cannot be started. */
export async function capture(
  program: string,
  args: string[],
  { input = '', env, cwd }: Options = {},
): Promise<Result> {
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(env ? { env } : {}),
    ...(cwd ? { cwd } : {}),
  });
  // A program that ends before it has read its input is judged by its exit code.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    const [stdout, stderr] = await output;
    return { code: code ?? 128, stdout, stderr: signal ? `${stderr}ended by ${signal}` : stderr };
  } catch (error) {
    return { code: 127, stdout: '', stderr: error instanceof Error ? error.message : String(error) };
  }
}

/** Runs a program and returns its output. @throws LabError with the program's message if it fails */
export async function must(program: string, args: string[], options?: Options): Promise<string> {
  const { code, stdout, stderr } = await capture(program, args, options);
  if (code === 0) return stdout;
  throw new LabError(`${program} ${args.join(' ')} failed (${code}): ${(stderr || stdout).trim()}`);
}

/** The path of a program in PATH; a name that contains a slash is used as it is. */
export function onPath(program: string): string | undefined {
  const candidates = program.includes('/')
    ? [program]
    : (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, program));
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** One word of a POSIX shell that means exactly this text. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
