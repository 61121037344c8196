/**
 * A DOCKER_HOST or a plain path as the path of a unix socket. An engine on another machine has no netns here: its URL is
 * returned unchanged, so that no socket is found and messages show it.
 */
export function socketPath(host: string): string {
  return host.startsWith('unix://') ? host.slice('unix://'.length) : host;
}
