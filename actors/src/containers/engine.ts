/** One container engine: its event stream, connected and reconnected while it has subscribers. */
import type { Clock, Log } from '@ifactor/common';
import type { Runtime } from '../runtime.ts';
import { events, inspect, type ContainerEvent, type EngineError, type Inspection } from './client.ts';
import { watchPath } from './watchPath.ts';
import { RetryTimer } from './retryTimer.ts';
import type { EngineName } from './target.ts';

export type EngineHandlers = {
  /** Connected: events of all that changes from now on will follow. */
  connected(): void;
  event(event: ContainerEvent): void;
  /** Cannot be reached; retrying. */
  away(error: EngineError): void;
};

export class Engine {
  readonly name: EngineName;
  readonly socketPath: string;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #subscribers = new Set<EngineHandlers>();
  readonly #retry: RetryTimer;
  #state: { is: 'connecting' } | { is: 'connected' } | { is: 'away'; error: EngineError } = { is: 'connecting' };
  #disconnect: (() => void) | undefined;
  #unwatch: (() => void) | undefined;

  constructor(name: EngineName, socketPath: string, { clock, log }: Runtime) {
    this.#clock = clock;
    this.#retry = new RetryTimer(clock, { first: 25, most: 5000 });
    this.name = name;
    this.socketPath = socketPath;
    this.#log = log.with({ engine: name, socket: socketPath });
  }

  subscribe(handlers: EngineHandlers): () => void {
    this.#subscribers.add(handlers);
    if (this.#subscribers.size === 1) this.#start();
    else {
      queueMicrotask(() => {
        if (!this.#subscribers.has(handlers)) return;
        if (this.#state.is === 'connected') handlers.connected();
        if (this.#state.is === 'away') handlers.away(this.#state.error);
      });
    }
    return () => {
      if (this.#subscribers.delete(handlers) && this.#subscribers.size === 0) this.#stop();
    };
  }

  /** @throws EngineError */
  inspect(name: string): Promise<Inspection | null> {
    return inspect(this.socketPath, name);
  }

  #start(): void {
    this.#unwatch = watchPath(this.socketPath, () => {
      if (this.#state.is !== 'away') return;
      // The socket appears a moment before the engine listens on it.
      this.#retry.reset();
      this.#retry.schedule(() => this.#connect());
    });
    this.#connect();
  }

  #stop(): void {
    this.#unwatch?.();
    this.#disconnect?.();
    this.#retry.reset();
    this.#state = { is: 'connecting' };
  }

  #connect(): void {
    this.#disconnect = events(this.socketPath, this.#clock, {
      open: () => {
        this.#retry.reset();
        if (this.#state.is === 'away') this.#log.info('container engine is back');
        this.#state = { is: 'connected' };
        this.#each((handlers) => handlers.connected());
      },
      event: (event) => this.#each((handlers) => handlers.event(event)),
      end: (error) => {
        if (this.#state.is !== 'away') this.#log.warn('container engine unreachable; retrying', { error });
        this.#state = { is: 'away', error };
        this.#retry.schedule(() => this.#connect());
        this.#each((handlers) => handlers.away(error));
      },
    });
  }

  #each(call: (handlers: EngineHandlers) => void): void {
    for (const handlers of this.#subscribers) call(handlers);
  }
}
