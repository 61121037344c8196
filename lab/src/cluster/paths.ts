import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where a lab keeps what; all of it below the lab's folder. */
export type Paths = {
  manifest: string;
  logs: string;
  /** One file per process: who it is. */
  run: string;
  nats: string;
  natsConfig: string;
  /** The certificate of nats-server, which is its own authority, and its key; PEM. */
  natsCertificate: string;
  natsKey: string;
  apiserver: string;
  kubeconfig: string;
  log(part: string): string;
  identity(part: string): string;
  /** State folder of a node's agent. */
  agent(node: string): string;
  agents: string;
  /** What the virtual machine boots from, and how it is reached. */
  vm: string;
  vmControl: string;
};

/** A part's name as a file name. */
const file = (part: string) => part.replaceAll('/', '-');

export function pathsOf(dir: string): Paths {
  return {
    manifest: join(dir, 'lab.json'),
    logs: join(dir, 'logs'),
    run: join(dir, 'run'),
    nats: join(dir, 'nats'),
    natsConfig: join(dir, 'nats.conf'),
    natsCertificate: join(dir, 'nats-ca.pem'),
    natsKey: join(dir, 'nats.key'),
    apiserver: join(dir, 'apiserver'),
    kubeconfig: join(dir, 'kubeconfig'),
    agents: join(dir, 'agents'),
    vm: join(dir, 'vm'),
    vmControl: join(dir, 'vm', 'control.json'),
    log: (part) => join(dir, 'logs', `${file(part)}.log`),
    identity: (part) => join(dir, 'run', `${file(part)}.json`),
    agent: (node) => join(dir, 'agents', node),
  };
}

/** Tells labs on one machine apart: six hex digits from the absolute path of the lab's folder. */
export function labId(dir: string): string {
  return createHash('sha256').update(dir).digest('hex').slice(0, 6);
}

/** Folder for what is expensive to get and the same for every lab. `IFACTOR_CACHE` beats the XDG cache folder. */
export function cacheDir(...parts: string[]): string {
  const base =
    process.env['IFACTOR_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'ifactor');
  return join(base, ...parts);
}
