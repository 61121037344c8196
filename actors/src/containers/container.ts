/** Follows a container by name: asks the engine, and again at each event that may concern it. */
import type { Clock } from '@ifactor/common';
import type { ContainerEvent, EngineError, Inspection } from './client.ts';
import type { Engine } from './engine.ts';
import { lost, type Source, type Where } from './place.ts';
import { inContainer } from './cgroup.ts';
import { followProcess, type Mistaken } from './process.ts';
import { RetryTimer } from './retryTimer.ts';

/**
 * The main process of the container is watched by itself, too: so a container whose engine is away (restarted, upgraded)
 * keeps its place as long as its process lives, and loses it when that ends.
 */
export function followContainer(engine: Engine, name: string, clock: Clock, tell: (where: Where) => void): Source {
  let bound: { id: string; run: string; pid: number; alive: boolean; mistaken: boolean; process: Source } | undefined;
  let seen = false;
  let away: EngineError | undefined;
  let asking = false;
  let askAgain = false;
  let stopped = false;
  const retry = new RetryTimer(clock, { first: 50, most: 5000 });

  const release = (): void => {
    bound?.process.stop();
    bound = undefined;
  };

  const bind = ({ id, run, pid }: Inspection): void => {
    if (bound?.run === run) {
      bound.process.again();
      return;
    }
    release();
    bound = {
      id,
      run,
      pid,
      alive: false,
      mistaken: false,
      process: followProcess(pid, clock, processTold, belongs(id)),
    };
  };

  /** The engine may not have noticed yet that the process ended, and another one has its number. */
  const belongs =
    (id: string): Mistaken =>
    (handle) => {
      const own = inContainer(handle.read('cgroup'), id, engine.name);
      if (bound) bound.mistaken = !own;
      return own ? null : 'ProcessNotInContainer';
    };

  function processTold(where: Where): void {
    if (!bound) return;
    if ('path' in where) {
      bound.alive = true;
      seen = true;
      retry.reset();
      tell(where);
      return;
    }
    const { alive, pid } = bound;
    bound.alive = false;
    if (where.lost.reason === 'Forbidden') tell(where);
    else if (away) tell(unreachable(away));
    else if (alive) tell(lost('ContainerGone'));
    else if (!seen) tell(bound.mistaken ? where : lost('ProcessNotFound', { pid }));
    retry.schedule(ask);
  }

  const unreachable = (error: EngineError): Where =>
    error.code === 'EACCES' || error.code === 'EPERM'
      ? lost('Forbidden', { path: engine.socketPath })
      : lost('EngineUnreachable', { path: engine.socketPath, cause: error.message });

  const answered = (found: Inspection | null): void => {
    if (found && found.pid > 0) {
      bind(found);
      return;
    }
    release();
    retry.reset();
    if (seen) tell(lost('ContainerGone'));
    else tell(lost(found ? 'ContainerNotRunning' : 'ContainerNotFound'));
  };

  const failed = (error: EngineError): void => {
    if (away) return;
    if (!bound?.alive) tell(unreachable(error));
    retry.schedule(ask);
  };

  const ask = (): void => {
    if (stopped || away) return;
    askAgain = asking;
    if (asking) return;
    asking = true;
    void engine.inspect(name).then(
      (found) => settle(() => answered(found)),
      (error: EngineError) => settle(() => failed(error)),
    );
  };

  /** An answer that an event has overtaken is not looked at. */
  const settle = (act: () => void): void => {
    asking = false;
    if (askAgain) ask();
    else if (!stopped) act();
  };

  const concerns = ({ action, id, name: named }: ContainerEvent): boolean =>
    action === 'rename' || id === bound?.id || named === name || id.startsWith(name);

  const unsubscribe = engine.subscribe({
    connected() {
      away = undefined;
      ask();
    },
    event(event) {
      if (concerns(event)) ask();
    },
    away(error) {
      away = error;
      if (!bound?.alive) tell(unreachable(error));
    },
  });

  return {
    again() {
      if (bound?.alive) bound.process.again();
      if (away) {
        if (!bound?.alive) tell(unreachable(away));
      } else ask();
    },
    stop() {
      stopped = true;
      unsubscribe();
      release();
      retry.reset();
    },
  };
}
