/** From a container selector to an open netns, followed while it has listeners. */
import type { Runtime } from '../runtime.ts';
import type { ContainerSelector } from '@ifactor/crds';
import type { Kernel } from '../kernel/kernel.ts';
import { followContainer } from './container.ts';
import { Engine } from './engine.ts';
import { followFile } from './file.ts';
import { NetnsFollower, type NetnsListener } from './follower.ts';
import { isHostNetns } from './hostNetns.ts';
import { lost, type NetnsWatch, type StartNetnsWatch } from './location.ts';
import { followProcess, type ProcessCheck } from './process.ts';
import { ProcessRecords } from './processRecords.ts';
import { socketPath } from './socketPath.ts';
import { targetKey, targetOf, type EngineName, type NetnsTarget } from './target.ts';

export interface NetnsResolver {
  /**
   * Calls the listener with the netns that the selector leads to, once that is known and at each change; never within this call.
   * A reported netns stays open until the listener has returned from the next report, or until the last listener of the selector is
   * removed: stop using it there. The listener does not close it. null: the agent's home netns.
   */
  follow(selector: ContainerSelector | null, listener: NetnsListener): () => void;
  /** Stops following and closes every netns. Listeners are not called again. */
  close(): void;
}

export type NetnsResolverOptions = {
  /** Path of the home netns. Default: the agent's own. */
  home?: string;
  /** Socket, as a path or as `unix://PATH`. Default: DOCKER_HOST, else /var/run/docker.sock. */
  docker?: string;
  /** Default: /run/podman/podman.sock. */
  podman?: string;
  /** Container name → `docker:NAME`, `podman:NAME` or `netns:PATH`. */
  aliases?: ReadonlyMap<string, string>;
  /** Lets selectors lead to the netns of the agent and of the machine, where those are not the home netns. */
  allowHostNetns?: boolean;
};

/** What a resolver works with; lives as long as the agent. */
export type NetnsResolverParts = {
  kernel: Kernel;
  /** Which processes are meant by their numbers. Default: kept in memory only. */
  processes?: ProcessRecords;
  runtime: Runtime;
};

export function createNetnsResolver(
  { home = '/proc/self/ns/net', docker, podman, aliases, allowHostNetns = false }: NetnsResolverOptions,
  { kernel, processes = new ProcessRecords(null), runtime }: NetnsResolverParts,
): NetnsResolver {
  const { clock } = runtime;
  const isHost = (id: string): boolean => !allowHostNetns && isHostNetns(home, id);
  const followers = new Map<string, NetnsFollower>();
  const engines: Record<EngineName, Engine> = {
    docker: new Engine('docker', socketPath(docker ?? process.env['DOCKER_HOST'] ?? '/var/run/docker.sock'), runtime),
    podman: new Engine('podman', socketPath(podman ?? '/run/podman/podman.sock'), runtime),
  };

  const homeTarget: NetnsTarget = { via: 'file', path: home, container: false };

  const mismatch: ProcessCheck = (handle) => {
    const identity = handle.identity();
    return identity === null || processes.means(identity) ? null : 'ProcessReplaced';
  };

  const startOf = (target: NetnsTarget): StartNetnsWatch => {
    switch (target.via) {
      case 'engine': {
        const { engine, name } = target;
        return (report) => followContainer(engines[engine], name, clock, report);
      }
      case 'file': {
        const { path, container } = target;
        const absent = container ? 'ContainerNotFound' : 'NetnsNotFound';
        const gone = container ? 'ContainerGone' : 'NetnsNotFound';
        return (report) => followFile({ path, absent, gone }, clock, report);
      }
      case 'process':
        return (report) => followProcess(target.pid, clock, report, mismatch);
      case 'nothing':
        return (report) => watchNothing(target.cause, report);
      default:
        return target satisfies never;
    }
  };

  return {
    follow(selector, listener) {
      const target = selector === null ? homeTarget : targetOf(selector, aliases);
      const key = targetKey(target);
      let follower = followers.get(key);
      if (!follower) {
        follower = new NetnsFollower({
          kernel,
          label: key,
          start: startOf(target),
          isForbidden: selector === null ? () => false : isHost,
          runtime,
        });
        followers.set(key, follower);
      }
      const own = follower;
      const remove = own.add(listener);
      return () => {
        remove();
        if (own.listeners > 0 || followers.get(key) !== own) return;
        followers.delete(key);
        own.stop();
        if (target.via === 'process') processes.forget(target.pid);
      };
    },
    close() {
      for (const follower of followers.values()) follower.stop();
      followers.clear();
    },
  };
}

function watchNothing(cause: string | undefined, report: Parameters<StartNetnsWatch>[0]): NetnsWatch {
  const say = (): void => report(lost('NothingSelected', cause === undefined ? {} : { cause }));
  const soon = setImmediate(say);
  return { recheck: say, stop: () => clearImmediate(soon) };
}
