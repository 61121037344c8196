// Agent inside a test VM: connects to the host and runs what it is told to.
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { receive, send, type Request } from './protocol.ts';

const words = new Map(readFileSync('/proc/cmdline', 'utf8').trim().split(' ').map((word) => {
  const [name = '', ...value] = word.split('=');
  return [name, value.join('=')];
}));
const children = new Map<number, ChildProcess>();
const host = connect({ host: '10.0.2.2', port: Number(words.get('ifactor.port')), noDelay: true });

host.once('connect', () => {
  send(host, { type: 'hello', token: words.get('ifactor.token') ?? '' });
  receive(host, (request: Request) => {
    if (request.type === 'kill') children.get(request.id)?.kill('SIGKILL');
    else run(request);
  });
});
host.once('error', (error) => {
  console.log(`ifactor: ${error.message}`);
  process.exit(1);
});
host.once('close', () => process.exit(0));

function run({ id, command: [program = '', ...args], cwd, env, input }: Request & { type: 'run' }): void {
  const child = spawn(program, args, { cwd, env, stdio: 'pipe' });
  children.set(id, child);
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (data: Buffer) => send(host, { id, type: 'output', stream, data: data.toString('base64') }));
  }
  child.stdin.on('error', () => {}); // It need not read what it is given.
  child.stdin.end(input);
  child.once('error', ({ message }) => send(host, { id, type: 'error', message }));
  child.once('close', (code, signal) => {
    children.delete(id);
    send(host, { id, type: 'exit', code, signal });
  });
}
