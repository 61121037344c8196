import type { Socket } from 'node:net';
import { VmFailed } from './error.ts';
import { receive, send, type Reply } from './protocol.ts';
import type { Qemu } from './qemu.ts';

export interface RunOptions {
  cwd?: string;
  /** Beside PATH and HOME, which are the host's. */
  env?: Record<string, string>;
  input?: string;
  timeoutMs?: number;
  /** Told of output as it comes. */
  onOutput?: (stream: 'stdout' | 'stderr', data: Buffer) => void;
}

export interface RunResult {
  /** Null if a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

interface Running {
  onOutput: (stream: 'stdout' | 'stderr', data: Buffer) => void;
  resolve(code: number | null): void;
  reject(error: Error): void;
}

/** Commands in the guest, any number at once over one connection. */
export class Commands {
  #socket: Socket;
  #qemu: Qemu;
  #running = new Map<number, Running>();
  #last = 0;

  /** `greet` is told the token that the guest's agent begins with. */
  constructor(socket: Socket, qemu: Qemu, greet: (token: string) => void) {
    this.#socket = socket;
    this.#qemu = qemu;
    socket.setNoDelay(true);
    socket.on('error', () => {}); // 'close' follows.
    receive(socket, (reply: Reply) => (reply.type === 'hello' ? greet(reply.token) : this.#take(reply)));
    socket.once('close', () => void this.#lost());
  }

  async run(command: string[], { cwd = process.cwd(), env = {}, input = '', timeoutMs = 60_000, onOutput }: RunOptions = {}): Promise<RunResult> {
    const id = (this.#last += 1);
    const chunks = { stdout: new Array<Buffer>(), stderr: new Array<Buffer>() };
    const output = (name: 'stdout' | 'stderr') => Buffer.concat(chunks[name]).toString();
    const ended = new Promise<number | null>((resolve, reject) => {
      this.#running.set(id, {
        resolve,
        reject,
        onOutput: (stream, data) => {
          chunks[stream].push(data);
          onOutput?.(stream, data);
        },
      });
    });
    const timer = setTimeout(() => void this.#expire(id, command, timeoutMs, () => output('stdout') + output('stderr')), timeoutMs);
    const { PATH = '/usr/sbin:/usr/bin:/sbin:/bin', HOME = '/root' } = process.env;
    send(this.#socket, { id, type: 'run', command, cwd, env: { PATH, HOME, ...env }, input });
    try {
      const code = await ended;
      return { code, stdout: output('stdout'), stderr: output('stderr') };
    } finally {
      clearTimeout(timer);
      this.#running.delete(id);
    }
  }

  #take(reply: Exclude<Reply, { type: 'hello' }>): void {
    const running = this.#running.get(reply.id);
    if (reply.type === 'output') running?.onOutput(reply.stream, Buffer.from(reply.data, 'base64'));
    else if (reply.type === 'exit') running?.resolve(reply.code);
    else running?.reject(new VmFailed(`in the VM: ${reply.message}`));
  }

  async #expire(id: number, command: string[], timeoutMs: number, output: () => string): Promise<void> {
    send(this.#socket, { id, type: 'kill' });
    const tail = await this.#qemu.tail();
    this.#running.get(id)?.reject(new VmFailed(`${command.join(' ')} did not end within ${timeoutMs / 1000} s in the VM; it said:\n${output()}\nthe console ends:\n${tail}`));
  }

  async #lost(): Promise<void> {
    const tail = await this.#qemu.tail();
    for (const running of this.#running.values()) running.reject(new VmFailed(`the VM's agent is gone; the console ends:\n${tail}`));
  }
}
