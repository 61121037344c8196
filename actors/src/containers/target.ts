/** From a selector, as declared, to what has to be watched. Pure. */
import { isNetnsName, type ContainerSelector } from '@ifactor/crds';

export type EngineName = 'docker' | 'podman';

export type NetnsTarget =
  | { via: 'engine'; engine: EngineName; name: string }
  /** `container`: the file represents a container; if it is missing, so is the container. */
  | { via: 'file'; path: string; container: boolean }
  | { via: 'process'; pid: number }
  /** `cause`: what is wrong with the selector; undefined: it is empty. */
  | { via: 'nothing'; cause?: string };

/**
 * The first of docker, podman, netns.path, netns.name, netns.pid that is given counts.
 * @param aliases container name → `docker:NAME`, `podman:NAME` or `netns:PATH`
 */
export function targetOf(
  { docker, podman, netns }: ContainerSelector,
  aliases: ReadonlyMap<string, string> = new Map(),
): NetnsTarget {
  if (docker) return containerTarget('docker', docker.name, aliases.get(docker.name));
  if (podman) return containerTarget('podman', podman.name, aliases.get(podman.name));
  if (netns?.path !== undefined) return pathTarget(netns.path, false);
  // Manifests of an older definition may hold any text.
  if (netns?.name !== undefined && !isNetnsName(netns.name))
    return {
      via: 'nothing',
      cause: `netns.name ${JSON.stringify(netns.name)} is not a name in /run/netns: correct it, or give netns.path`,
    };
  if (netns?.name !== undefined) return pathTarget(`/run/netns/${netns.name}`, false);
  if (netns?.pid !== undefined) return { via: 'process', pid: netns.pid };
  return { via: 'nothing' };
}

/** Equal for targets that lead to the same place for the same reasons. */
export function targetKey(target: NetnsTarget): string {
  return JSON.stringify(target, Object.keys(target).toSorted());
}

function containerTarget(engine: EngineName, name: string, alias: string | undefined): NetnsTarget {
  if (alias === undefined) return { via: 'engine', engine, name };
  const [, scheme, rest] = /^(docker|podman|netns):(.+)$/.exec(alias) ?? [];
  if (rest === undefined) {
    return {
      via: 'nothing',
      cause: `container "${name}" is an alias of ${JSON.stringify(alias)}: give docker:NAME, podman:NAME or netns:PATH`,
    };
  }
  if (scheme === 'netns') return pathTarget(rest, true);
  return { via: 'engine', engine: scheme === 'podman' ? 'podman' : 'docker', name: rest };
}

function pathTarget(path: string, container: boolean): NetnsTarget {
  const pid = /^\/proc\/([1-9][0-9]{0,6})\/ns\/net$/.exec(path)?.[1];
  if (pid !== undefined && !container) return { via: 'process', pid: Number(pid) };
  return { via: 'file', path, container };
}
