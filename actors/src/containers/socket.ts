/**
 * A DOCKER_HOST or a plain path as the path of a unix socket. An engine on another machine has no netns of this one: its URL is
 * left as it is, where no socket will be found, and stands so in the messages.
 */
export function socketPath(host: string): string {
  return host.startsWith('unix://') ? host.slice('unix://'.length) : host;
}
