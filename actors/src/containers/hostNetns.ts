/** Keeps selectors out of the network namespaces of the agent and of the machine. */
import { statSync } from 'node:fs';

/** The agent's own netns, and the machine's. */
const hosts = ['/proc/self/ns/net', '/proc/1/ns/net'];

/**
 * Whether the netns with this inode is one of the host and not the home netns.
 * @param home path of the home netns: where links of this node belong, whatever else it is
 */
export const isHostNetns = (home: string, id: string): boolean =>
  hosts.some((path) => inode(path) === id) && inode(home) !== id;

function inode(path: string): string | null {
  try {
    return String(statSync(path, { bigint: true }).ino);
  } catch {
    return null;
  }
}
