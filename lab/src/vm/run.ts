// A program of this machine that runs one inside a VM: `node run.ts CONTROL COMMAND…`. Streams, signals and exit code are its own;
// should this process be killed, the other is, too.
import { constants } from 'node:os';
import { run } from '@ifactor/common';
import { startCommand } from './command.ts';
import { readControl } from './protocol.ts';

const [control = '', ...command] = process.argv.slice(2);

await run('ifactor', async () => {
  const started = startCommand(readControl(control), command, {
    cwd: process.cwd(),
    env: process.env,
    onOutput: (stream, data) => void process[stream].write(data),
  });
  process.stdin.on('data', (data: Buffer) => started.input(data));
  process.stdin.once('end', () => started.endInput());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)
    process.on(signal, () => started.signal(signal));
  const { code, signal } = await started.ended;
  process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0));
});
