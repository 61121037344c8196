// In a VM: listens for the host and runs the commands that it sends.
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { readControl, receive, send, type GuestRequest } from './protocol.ts';

const words = new Map(
  readFileSync('/proc/cmdline', 'utf8')
    .trim()
    .split(' ')
    .map((word) => {
      const [name = '', ...value] = word.split('=');
      return [name, value.join('=')];
    }),
);
const { token } = readControl(words.get('ifactor.control') ?? '');

const server = createServer({ noDelay: true }, (socket) => {
  let child: ChildProcess | undefined;
  socket.on('error', () => {}); // 'close' follows.
  // The client disconnected, so its command is killed.
  socket.once('close', () => kill(child));
  receive(socket, (request: GuestRequest) => {
    if (request.type === 'run' && !child && request.token === token) child = run(request, socket);
    else if (!child) socket.destroy();
    else if (request.type === 'signal') child.kill(request.signal);
    else if (request.type === 'input') child.stdin?.write(Buffer.from(request.data, 'base64'));
    else if (request.type === 'endInput') child.stdin?.end();
  });
});
server.listen(Number(words.get('ifactor.port')), () => console.log('ifactor: ready'));

function run(
  { command: [program = '', ...args], cwd, env }: GuestRequest & { type: 'run' },
  socket: Socket,
): ChildProcess {
  // A separate process group, so that the command's children can be killed with it.
  const child = spawn(program, args, { cwd, env, stdio: 'pipe', detached: true });
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (data: Buffer) => {
      if (send(socket, { type: 'output', stream, data: data.toString('base64') })) return;
      child[stream].pause();
      socket.once('drain', () => child[stream].resume());
    });
  }
  child.stdin.on('error', () => {}); // The command may close its stdin early.
  child.once('error', ({ message }) => end({ type: 'error', message }));
  child.once('close', (code, signal) => end({ type: 'exit', code, signal }));
  // One that cannot be started closes, too.
  const end = (reply: Parameters<typeof send>[1]): void => {
    if (socket.writable) send(socket, reply);
    socket.end();
  };
  return child;
}

function kill(child: ChildProcess | undefined): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended, and all that it started.
  }
}
