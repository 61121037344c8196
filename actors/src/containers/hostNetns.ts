/** Keeps selectors out of the network namespaces of the agent and of the machine. */
import { statSync } from 'node:fs';

/** Where they are found: path and what messages say. */
const hosts = [
  ['/proc/self/ns/net', "the agent's own network namespace"],
  ['/proc/1/ns/net', "the machine's network namespace (that of process 1)"],
] as const;

/** @param home path of the home netns: where links of this node belong, whatever else it is */
export function refuseHostNetns(home: string): (id: string) => string | null {
  return (id) => {
    const host = hosts.find(([path]) => inode(path) === id);
    if (!host || inode(home) === id) return null;
    return `leads to ${host[1]}, where no container lives: correct the selector, or start the agent with --allow-host-netns`;
  };
}

function inode(path: string): string | null {
  try {
    return String(statSync(path, { bigint: true }).ino);
  } catch {
    return null;
  }
}
