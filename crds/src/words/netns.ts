import type { NetnsParams } from '../message/event.ts';
import type { ContainerSelector } from '../schema/common.ts';

/** Text of a selector: `docker container agent1`, `netns /run/netns/a`. null: the home netns. */
function selectorText(selector: ContainerSelector | null): string {
  if (selector === null) return "the node's netns";
  const { docker, podman, netns } = selector;
  if (docker) return `docker container ${docker.name}`;
  if (podman) return `podman container ${podman.name}`;
  if (netns?.path !== undefined) return `netns file ${netns.path}`;
  if (netns?.name !== undefined) return `netns ${netns.name}`;
  if (netns?.pid !== undefined) return `process ${netns.pid}`;
  return 'the container';
}

/** Why a selector matches no netns now, and what to do. `reason`: as in NetnsLost. Absent `params` are left out. */
export function lostNetnsWords(reason: string, { selector, pid, path, cause }: NetnsParams): string {
  const what = selectorText(selector);
  const engine = selector?.podman ? 'podman' : 'docker';
  const name = selector?.docker?.name ?? selector?.podman?.name ?? '';
  const contained = Boolean(selector?.docker ?? selector?.podman);
  const because = cause === undefined ? '' : ` (${cause})`;
  switch (reason) {
    case 'ContainerGone':
      return contained && path === undefined
        ? `${what} has stopped or was removed: ${engine} start ${name}, or create it again`
        : `${what} was deleted: ${adviceFor(selector, path)}`;
    case 'ContainerNotFound':
      return contained && path === undefined
        ? `${what} does not exist: create it by ${engine} run --name ${name} …, or correct the name`
        : `${what} does not exist: ${adviceFor(selector, path)}`;
    case 'ContainerNotRunning':
      return `${what} is not running: ${engine} start ${name}`;
    case 'EngineUnreachable':
      return `${what} cannot be looked up: ${engine} does not answer${path === undefined ? '' : ` on ${path}`}${because}; start it, or name its socket by --${engine}`;
    case 'NetnsNotFound':
      return cause === undefined
        ? `${what} does not exist: ${adviceFor(selector, path)}`
        : `${what} cannot be opened${because}; retrying`;
    case 'NotANetns':
      return `${path ?? what} is a plain file, not a netns: ${adviceFor(selector, path)}`;
    case 'ProcessNotFound':
      return contained
        ? `${what} runs as process ${pid ?? 'unknown'}, which the agent cannot see: run the agent in the host's pid namespace (hostPID: true)`
        : `${what} does not exist or has ended: start it, or select another`;
    case 'ProcessReplaced':
      return `${what} is another process than the one selected, which has ended: select its successor by another way, or delete this object and create it again`;
    case 'ProcessNotInContainer':
      return `process ${pid ?? 'unknown'} is in no control group of ${what}, although ${engine} says that it runs it; asking ${engine} again`;
    case 'Forbidden':
      return path === undefined
        ? `permission denied for ${what}: run the agent as root with CAP_SYS_PTRACE`
        : `permission denied for ${path}: run the agent as root${contained ? ', or in the group of the socket' : ''}`;
    case 'HostNetns':
      return `${what} leads to the network namespace of the agent or of the machine: select another, or start the agent with --allow-host-netns`;
    case 'TooManyLinks':
      return `${what} has more links than the agent accepts${because}: remove some, or start the agent with a larger --max-links`;
    case 'NothingSelected':
      return (
        cause ??
        'spec.container selects nothing: give one of docker.name, podman.name, netns.path, netns.name, netns.pid'
      );
    default:
      return `${what} is not available (${reason}); see ifactor events`;
  }
}

function adviceFor(selector: ContainerSelector | null, path: string | undefined): string {
  const file = path ?? selector?.netns?.path ?? (selector?.netns?.name && `/run/netns/${selector.netns.name}`);
  if (file?.startsWith('/run/netns/')) return `ip netns add ${file.slice('/run/netns/'.length)}`;
  return file === undefined
    ? 'create it, or correct the selector'
    : `mount a netns at ${file}, or correct the selector`;
}
