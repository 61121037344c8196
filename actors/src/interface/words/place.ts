import type { ContainerSelector } from '@ifactor/crds';

/** What a selector names, for a sentence. */
function selectorWords(selector: ContainerSelector | null): string {
  if (selector === null) return "the node's netns";
  const { docker, podman, netns } = selector;
  if (docker) return `docker container ${docker.name}`;
  if (podman) return `podman container ${podman.name}`;
  if (netns?.path !== undefined) return `netns file ${netns.path}`;
  if (netns?.name !== undefined) return `netns ${netns.name}`;
  if (netns?.pid !== undefined) return `process ${netns.pid}`;
  return 'the container';
}

const engineOf = (selector: ContainerSelector | null): string => (selector?.podman ? 'podman' : 'docker');

/** Why a selector leads nowhere, and what to do. `reason`: as in NetnsLost. */
export function placeWords(reason: string, selector: ContainerSelector | null): string {
  const what = selectorWords(selector);
  const engine = engineOf(selector);
  const name = selector?.docker?.name ?? selector?.podman?.name ?? '';
  const contained = Boolean(selector?.docker ?? selector?.podman);
  switch (reason) {
    case 'ContainerGone':
      return contained
        ? `${what} has stopped or was removed: ${engine} start ${name}, or create it again`
        : `${what} is gone: it is followed again when it is back`;
    case 'ContainerNotFound':
      return contained
        ? `${what} does not exist: create it by ${engine} run --name ${name} …, or correct the name`
        : `${what} does not exist: create it, or correct the selector`;
    case 'ContainerNotRunning':
      return `${what} is not running: ${engine} start ${name}`;
    case 'EngineUnreachable':
      return `${what} cannot be looked up: ${engine} does not answer; start it, or name its socket by --${engine}`;
    case 'NetnsNotFound':
      return `${what} does not exist or cannot be opened: create it, or correct the selector; looking for it again`;
    case 'ProcessNotFound':
      return contained
        ? `${what} runs as a process that the agent cannot see: run the agent in the host's pid namespace (hostPID: true)`
        : `${what} does not exist or has ended: start it, or select another`;
    case 'Forbidden':
      return `${what} may not be looked at: run the agent as root with CAP_SYS_PTRACE`;
    case 'HostNetns':
      return `${what} leads to the network namespace of the agent or of the machine: select another, or start the agent with --allow-host-netns`;
    case 'TooManyLinks':
      return `${what} has more links than the agent takes on: remove some, or start the agent with a larger --max-links`;
    case 'NothingSelected':
      return 'spec.container selects nothing: name docker, podman or netns in it';
    default:
      return `${what} is not there (${reason}); ifactor events says more`;
  }
}
