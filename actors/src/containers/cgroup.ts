/** Whether a process is in the control group of a container. Pure. */
import type { EngineName } from './target.ts';

/**
 * Engines name a container's control groups by its id: `/docker/ID`, `/system.slice/docker-ID.scope`, `…/libpod-ID.scope/container`.
 * @param cgroup text of /proc/PID/cgroup, as cgroups(7) has it; null if it may not be read: then the process is accepted
 */
export function inContainer(cgroup: string | null, id: string, engine: EngineName): boolean {
  if (cgroup === null) return true;
  const named: readonly string[] = cgroup.match(/[0-9a-f]{64}/g) ?? [];
  if (named.includes(id)) return true;
  // Podman can run a container in the control group of its caller (--cgroups=disabled); Docker always makes one.
  return named.length === 0 && engine === 'podman';
}
