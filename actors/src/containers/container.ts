/** Follows a container by name: asks the engine at the start and at each event that may concern the container. */
import type { Clock } from '@ifactor/common';
import type { ContainerEvent, EngineError, Inspection } from './client.ts';
import type { Engine } from './engine.ts';
import { lost, type NetnsWatch, type NetnsLocation } from './location.ts';
import { inContainer } from './cgroup.ts';
import { followProcess, type ProcessCheck } from './process.ts';
import { RetryTimer } from './retryTimer.ts';

/**
 * The main process of the container is watched as well: a container whose engine is away (restarted, upgraded) keeps its netns
 * while its process lives, and loses it when that ends.
 */
export function followContainer(
  engine: Engine,
  name: string,
  clock: Clock,
  report: (location: NetnsLocation) => void,
): NetnsWatch {
  let bound:
    | { id: string; run: string; pid: number; alive: boolean; mismatch: boolean; process: NetnsWatch }
    | undefined;
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
      bound.process.recheck();
      return;
    }
    release();
    bound = {
      id,
      run,
      pid,
      alive: false,
      mismatch: false,
      process: followProcess(pid, clock, processReported, belongs(id)),
    };
  };

  /** The engine may not have noticed yet that the process ended and another one has its pid. */
  const belongs =
    (id: string): ProcessCheck =>
    (handle) => {
      const own = inContainer(handle.read('cgroup'), id, engine.name);
      if (bound) bound.mismatch = !own;
      return own ? null : 'ProcessNotInContainer';
    };

  function processReported(location: NetnsLocation): void {
    if (!bound) return;
    if ('path' in location) {
      bound.alive = true;
      seen = true;
      retry.reset();
      report(location);
      return;
    }
    const { alive, pid } = bound;
    bound.alive = false;
    if (location.lost.reason === 'Forbidden') report(location);
    else if (away) report(unreachable(away));
    else if (alive) report(lost('ContainerGone'));
    else if (!seen) report(bound.mismatch ? location : lost('ProcessNotFound', { pid }));
    retry.schedule(ask);
  }

  const unreachable = (error: EngineError): NetnsLocation =>
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
    if (seen) report(lost('ContainerGone'));
    else report(lost(found ? 'ContainerNotRunning' : 'ContainerNotFound'));
  };

  const failed = (error: EngineError): void => {
    if (away) return;
    if (!bound?.alive) report(unreachable(error));
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

  /** An answer that is older than an event is dropped. */
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
      if (!bound?.alive) report(unreachable(error));
    },
  });

  return {
    recheck() {
      if (bound?.alive) bound.process.recheck();
      if (away) {
        if (!bound?.alive) report(unreachable(away));
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
