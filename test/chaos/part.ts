import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';

/** A process of a cluster that may be killed with -9, or stopped for a while. */
export type Part = {
  readonly name: string;
  kill(): Promise<void>;
  start(): Promise<void>;
  freeze(): void;
  thaw(): void;
};

/** A program on Node; what it logs is added to a file. Not running yet. The kernel ends it with this process. */
export function nodePart(name: string, args: readonly string[], logFile: string): Part {
  let child: ChildProcess | undefined;
  const command = ['--pdeathsig', 'KILL', '--', process.execPath, '--disable-warning=ExperimentalWarning', ...args];
  return {
    name,
    async start() {
      const log = openSync(logFile, 'a');
      try {
        child = spawn('setpriv', command, { stdio: ['ignore', log, log] });
        await once(child, 'spawn');
      } finally {
        closeSync(log);
      }
    },
    async kill() {
      const ending = child;
      child = undefined;
      if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
      const exit = once(ending, 'exit');
      ending.kill('SIGKILL');
      await exit;
    },
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
  };
}
