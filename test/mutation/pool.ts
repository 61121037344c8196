import { ThreadsPoolWorker } from 'vitest/node';
import type { PoolOptions, PoolWorker, WorkerRequest } from 'vitest/node';

type Listener = Parameters<PoolWorker['on']>[1];
type Thread = { worker: ThreadsPoolWorker; runs: number };

/** A thread ends after so many runs: what a mutant left behind does not live longer. */
const mostRuns = 30;

const idle: Thread[] = [];

/**
 * A thread that outlives the run: modules stay loaded, so that a mutant costs what its tests cost. The next run activates
 * another mutant (Stryker compiles all of them in). Mutants of what runs once, when a module is loaded, get a new thread.
 */
class KeptThread implements PoolWorker {
  readonly name = keptPool.name;
  readonly #options: PoolOptions;
  readonly #listeners: [event: string, listener: Listener][] = [];
  #thread: Thread | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#thread = idle.pop() ?? { worker: new ThreadsPoolWorker(this.#options), runs: 0 };
    if (this.#thread.runs++ === 0) await this.#thread.worker.start();
  }

  on(event: string, listener: Listener): void {
    this.#listeners.push([event, listener]);
    this.#thread?.worker.on(event, listener);
  }

  off(event: string, listener: Listener): void {
    this.#thread?.worker.off(event, listener);
  }

  send(message: WorkerRequest): void {
    if (message.type !== 'stop') return this.#thread?.worker.send(message);
    // The thread goes on; whoever waits for its end is told so.
    const stopped = { type: 'stopped', __vitest_worker_response__: true } as never;
    for (const [event, listener] of this.#listeners) if (event === 'message') listener(stopped);
  }

  deserialize(data: unknown): unknown {
    return data;
  }

  async stop(): Promise<void> {
    const thread = this.#thread;
    if (thread === undefined) return;
    for (const [event, listener] of this.#listeners) thread.worker.off(event, listener);
    if (thread.runs < mostRuns) idle.push(thread);
    else await thread.worker.stop();
  }
}

export const keptPool = {
  name: 'kept',
  createPoolWorker(options: PoolOptions): PoolWorker {
    const { mutantActivation } = options.project.getProvidedContext() as { mutantActivation?: string };
    return mutantActivation === 'runtime' ? new KeptThread(options) : named(new ThreadsPoolWorker(options));
  },
};

const named = (worker: ThreadsPoolWorker): PoolWorker => Object.assign(worker, { name: keptPool.name });
