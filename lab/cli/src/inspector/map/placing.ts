import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ElkNode } from 'elkjs';

type Waiting = { resolve: (placed: ElkNode) => void; reject: (error: Error) => void };
type Answer = { id: number; placed: ElkNode } | { id: number; error: string };

const waiting = new Map<number, Waiting>();
let worker: Worker | undefined;
let count = 0;

/** Lays a graph out in a worker thread. @throws Error with ELK's message */
export function place(graph: ElkNode): Promise<ElkNode> {
  worker ??= start();
  const { promise, resolve, reject } = Promise.withResolvers<ElkNode>();
  const id = ++count;
  waiting.set(id, { resolve, reject });
  // The thread keeps the process alive only while a layout is pending.
  worker.ref();
  // The rule is about windows; a thread has no origin.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  worker.postMessage({ id, graph });
  return promise;
}

function start(): Worker {
  const started = new Worker(new URL(`elk${extname(import.meta.filename)}`, import.meta.url));
  started.on('message', (answer: Answer) => {
    const one = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (waiting.size === 0) started.unref();
    if ('error' in answer) one?.reject(new Error(`ELK could not lay the map out: ${answer.error}`));
    else one?.resolve(answer.placed);
  });
  started.on('error', (cause) => {
    worker = undefined;
    for (const { reject } of waiting.values())
      reject(new Error('the thread that lays the map out has ended', { cause }));
    waiting.clear();
  });
  return started;
}
