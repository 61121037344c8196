/** From a container selector to an open netns, followed for as long as somebody is interested. */
import type { Runtime } from '../runtime.ts';
import type { ContainerSelector } from '@ifactor/crds';
import type { Kernel } from '../kernel/kernel.ts';
import { followContainer } from './container.ts';
import { Engine } from './engine.ts';
import { followFile } from './file.ts';
import { NetnsFollower, type PlaceListener } from './follower.ts';
import { isHostNetns } from './hostNetns.ts';
import { lost, type Source, type StartSource } from './place.ts';
import { followProcess, type Mistaken } from './process.ts';
import { ProcessRecords } from './processRecords.ts';
import { socketPath } from './socket.ts';
import { targetKey, targetOf, type EngineName, type NetnsTarget } from './target.ts';

export interface Places {
  /**
   * Calls the listener with where the selector leads, soon when that is known, and at each change; never within this call.
   * A netns that was told is open until the listener has returned from being told the next place, or until nobody follows the selector any more:
   * so let go of it there and then. Closing it is not the listener's business. null: the agent's home netns.
   */
  follow(selector: ContainerSelector | null, listener: PlaceListener): () => void;
  /** Ends all following and gives every netns back. Listeners are not called again. */
  close(): void;
}

export type PlacesOptions = {
  kernel: Kernel;
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
  /** Which processes are meant by their numbers. Default: what was selected is forgotten with this object. */
  processes?: ProcessRecords;
  runtime: Runtime;
};

export function createPlaces({
  kernel,
  home = '/proc/self/ns/net',
  docker,
  podman,
  aliases,
  allowHostNetns = false,
  processes = new ProcessRecords(null),
  runtime,
}: PlacesOptions): Places {
  const { clock } = runtime;
  const isHost = (id: string): boolean => !allowHostNetns && isHostNetns(home, id);
  const followers = new Map<string, NetnsFollower>();
  const engines: Record<EngineName, Engine> = {
    docker: new Engine('docker', socketPath(docker ?? process.env['DOCKER_HOST'] ?? '/var/run/docker.sock'), runtime),
    podman: new Engine('podman', socketPath(podman ?? '/run/podman/podman.sock'), runtime),
  };

  const homeTarget: NetnsTarget = { via: 'file', path: home, container: false };

  const mistaken: Mistaken = (handle) => {
    const identity = handle.identity();
    return identity === null || processes.means(identity) ? null : 'ProcessReplaced';
  };

  const startOf = (target: NetnsTarget): StartSource => {
    switch (target.via) {
      case 'engine': {
        const { engine, name } = target;
        return (tell) => followContainer(engines[engine], name, clock, tell);
      }
      case 'file': {
        const { path, container } = target;
        const absent = container ? 'ContainerNotFound' : 'NetnsNotFound';
        const gone = container ? 'ContainerGone' : 'NetnsNotFound';
        return (tell) => followFile({ path, absent, gone }, clock, tell);
      }
      case 'process':
        return (tell) => followProcess(target.pid, clock, tell, mistaken);
      case 'nothing':
        return (tell) => nowhere(target.cause, tell);
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

function nowhere(cause: string | undefined, tell: Parameters<StartSource>[0]): Source {
  const say = (): void => tell(lost('NothingSelected', cause === undefined ? {} : { cause }));
  const soon = setImmediate(say);
  return { again: say, stop: () => clearImmediate(soon) };
}
