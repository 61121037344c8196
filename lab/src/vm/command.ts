import { connect } from 'node:net';
import { VmFailed } from './error.ts';
import { receive, send, type Control, type Reply } from './protocol.ts';

export type CommandOptions = {
  cwd?: string;
  /** Beside PATH and HOME, which are the host's. */
  env?: Record<string, string | undefined>;
  /** Called with output as it arrives. */
  onOutput: (stream: 'stdout' | 'stderr', data: Buffer) => void;
  /** Kills it, and all that it started; `ended` then rejects with its reason. */
  abort?: AbortSignal;
};

export type Exit = { code: number | null; signal: NodeJS.Signals | null };

/** A command that runs in a guest as root until it ends or this process does. */
export interface GuestCommand {
  /** Rejects with VmFailed if the command cannot be started or the guest has stopped. */
  readonly ended: Promise<Exit>;
  input(data: Buffer): void;
  endInput(): void;
  signal(signal: NodeJS.Signals): void;
}

export function startCommand(
  { port, token }: Control,
  command: string[],
  { cwd = '/', env = {}, onOutput, abort }: CommandOptions,
): GuestCommand {
  const { PATH = '/usr/sbin:/usr/bin:/sbin:/bin', HOME = '/root' } = process.env;
  const set = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const { promise: ended, resolve, reject } = Promise.withResolvers<Exit>();
  socket.on('error', () => {}); // 'close' follows.
  socket.once('close', () => reject(new VmFailed(`the VM does not answer, or ended while it ran ${command[0]}`)));
  const give = (): void => {
    reject(abort?.reason);
    socket.destroy();
  };
  abort?.addEventListener('abort', give, { once: true });
  socket.once('close', () => abort?.removeEventListener('abort', give));
  receive(socket, (reply: Reply) => {
    if (reply.type === 'output') onOutput(reply.stream, Buffer.from(reply.data, 'base64'));
    else if (reply.type === 'exit') resolve({ code: reply.code, signal: reply.signal });
    else reject(new VmFailed(`in the VM: ${reply.message}`));
  });
  send(socket, { type: 'run', token, command, cwd, env: { PATH, HOME, ...Object.fromEntries(set) } });
  return {
    ended,
    input: (data) => void send(socket, { type: 'input', data: data.toString('base64') }),
    endInput: () => void send(socket, { type: 'endInput' }),
    signal: (signal) => void send(socket, { type: 'signal', signal }),
  };
}

export type Captured = Exit & { stdout: string; stderr: string };

/** Runs a command to its end and keeps what it prints. @throws VmFailed */
export async function captureGuest(
  control: Control,
  command: string[],
  { input = '', ...options }: Partial<CommandOptions> & { input?: string } = {},
): Promise<Captured> {
  const chunks = { stdout: new Array<Buffer>(), stderr: new Array<Buffer>() };
  const started = startCommand(control, command, {
    ...options,
    onOutput: (stream, data) => {
      chunks[stream].push(data);
      options.onOutput?.(stream, data);
    },
  });
  if (input !== '') started.input(Buffer.from(input));
  started.endInput();
  const exit = await started.ended;
  return { ...exit, stdout: Buffer.concat(chunks.stdout).toString(), stderr: Buffer.concat(chunks.stderr).toString() };
}
