import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '@ifactor/crds';
import { clusterPrograms } from './cluster.ts';
import type { Manifest } from './manifest.ts';
import { netnsPath, nodeNetns } from './netns.ts';
import { pathsOf } from './paths.ts';
import type { Program } from './program.ts';

/** What `lab restart` and `lab kill` may be given, in the order in which the parts start. */
export function parts(lab: Manifest): string[] {
  return programs(lab).map(({ part }) => part);
}

/** @throws UsageError on a part that this lab has not */
export function programOf(lab: Manifest, part: string): Program {
  const found = programs(lab).find((program) => program.part === part);
  if (!found) throw new UsageError(`no part ${part} in this lab: choose one of ${parts(lab).join(', ')}`);
  return found;
}

/** Every process of the lab, in the order in which they start. */
export function programs(lab: Manifest): Program[] {
  return [natsProgram(lab), ...clusterPrograms(lab), bridgeProgram(lab), ...lab.nodes.map(({ name }) => agentProgram(lab, name)), uiProgram(lab)];
}

export function natsUrl(lab: Manifest): string {
  return `nats://127.0.0.1:${lab.nats.port}`;
}

/** The lab's kubeconfig: its own, or the one it was given. */
export function kubeconfigOf(lab: Manifest): string {
  return lab.cluster.kind === 'kubeconfig' ? lab.cluster.path : pathsOf(lab.dir).kubeconfig;
}

export function natsProgram(lab: Manifest): Program {
  return { part: 'nats', command: lab.nats.program, args: ['--config', pathsOf(lab.dir).natsConfig], ready: /Server is ready/ };
}

/** Where the password stands: in a file of the owner's, so that `ps` does not show it. */
export function writeNatsConfig(lab: Manifest): void {
  const { port, user, password } = lab.nats;
  const lines = [
    'server_name: ifactor-lab',
    `listen: "127.0.0.1:${port}"`,
    `authorization { user: ${JSON.stringify(user)}, password: ${JSON.stringify(password)} }`,
    `jetstream { store_dir: ${JSON.stringify(pathsOf(lab.dir).nats)}, max_memory_store: 64MB, max_file_store: 4GB }`,
  ];
  writeFileSync(pathsOf(lab.dir).natsConfig, `${lines.join('\n')}\n`, { mode: 0o600 });
}

export function bridgeProgram(lab: Manifest): Program {
  return {
    part: 'bridge',
    command: process.execPath,
    // A fixed name: a bridge that was killed is followed at once, without waiting for its lease to expire.
    args: [mainOf('@ifactor/bridge'), '--identity', 'lab', '--kubeconfig', kubeconfigOf(lab), '--nats', natsUrl(lab)],
    env: natsCredentials(lab),
  };
}

export function agentProgram(lab: Manifest, node: string): Program {
  const alias = ({ name, real }: Manifest['containers'][number]) =>
    lab.runtime === 'netns' ? [`${name}=netns:${netnsPath(real)}`] : real === name ? [] : [`${name}=docker:${real}`];
  return {
    part: `agent/${node}`,
    command: process.execPath,
    args: [
      mainOf('@ifactor/actors'),
      '--node', node,
      '--nats', natsUrl(lab),
      '--state-dir', pathsOf(lab.dir).agent(node),
      '--netns', netnsPath(nodeNetns(lab.id, node)),
      ...lab.containers.flatMap((container) => alias(container).flatMap((value) => ['--container-alias', value])),
    ],
    env: natsCredentials(lab),
  };
}

/** The inspector. Its page is built when somebody asks for it first: most labs are never looked at. */
export function uiProgram(lab: Manifest): Program {
  return {
    part: 'ui',
    command: process.execPath,
    args: [join(import.meta.dirname, '../main.ts'), 'ui', '--lazy', '--nats', natsUrl(lab), '--port', String(lab.ui.port)],
    env: { ...natsCredentials(lab), IFACTOR_UI_TOKEN: lab.ui.token },
  };
}

/** Where a browser finds the inspector of this lab. */
export const uiUrl = ({ ui }: Manifest): string => `http://127.0.0.1:${ui.port}/?token=${ui.token}`;

export function natsCredentials(lab: Manifest): Record<string, string> {
  return { NATS_USER: lab.nats.user, NATS_PASSWORD: lab.nats.password };
}

function mainOf(workspace: string): string {
  return join(dirname(fileURLToPath(import.meta.resolve(workspace))), 'main.ts');
}
