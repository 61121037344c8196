import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ownProgram } from '#files';
import { systemClock, UsageError } from '@ifactor/common';
import { namesFor } from '@ifactor/common/nats';
import { permissionsOf, spellPermissions } from '@ifactor/crds';
import { makeCertificate } from '../apiserver/http/certificate.ts';
import { guestImage, type GuestImage } from '../vm/guestImage.ts';
import { writeControl } from '../vm/protocol.ts';
import { guestNetwork, guestReady, qemuArguments } from '../vm/qemu.ts';
import { clusterPrograms } from './apiserver.ts';
import { kubeconfigOf, natsEnvironment, natsUrl, rolesOf, userOf } from './environment.ts';
import { machineOf } from '../host/machine.ts';
import type { Manifest } from './manifest.ts';
import { netnsPath, nodeNetns } from '../host/netns.ts';
import { pathsOf } from './paths.ts';
import type { Program } from '../process/program.ts';

/** The arguments that `lab restart` and `lab kill` accept, in the order in which the parts start. */
export function parts(lab: Manifest): string[] {
  return [...makers(lab).keys()];
}

/** @throws UsageError on a part that this lab does not have */
export function programOf(lab: Manifest, part: string): Program {
  const make = makers(lab).get(part);
  if (!make) throw new UsageError(`no part ${part} in this lab: choose one of ${parts(lab).join(', ')}`);
  return make();
}

/** Every process of the lab by its part, in the order in which they start. */
function makers(lab: Manifest): Map<string, () => Program> {
  const cluster = clusterPrograms(lab).map((program): [string, () => Program] => [program.part, () => program]);
  return new Map([
    ['nats', () => natsProgram(lab)],
    ...cluster,
    ['bridge', () => bridgeProgram(lab)],
    ...(lab.vm ? [['vm', () => vmProgram(lab)] as const] : []),
    ...lab.nodes.map(({ name }) => [`agent/${name}`, () => agentProgram(lab, name)] as const),
    ['ui', () => uiProgram(lab)],
  ]);
}

export function natsProgram(lab: Manifest): Program {
  return {
    part: 'nats',
    command: lab.nats.program,
    args: ['--config', pathsOf(lab.dir).natsConfig],
    ready: /Server is ready/,
  };
}

/** The passwords are in a file that only the owner can read, so that `ps` does not show them. Each role has only the permissions it needs. */
export async function writeNatsConfig(lab: Manifest): Promise<void> {
  const { port, users, prefix } = lab.nats;
  const names = namesFor(prefix);
  const { natsCertificate, natsKey } = pathsOf(lab.dir);
  // Nodes in a virtual machine reach the host's loopback by another address.
  const { cert, key } = await makeCertificate(systemClock, guestNetwork.host);
  writeFileSync(natsCertificate, cert);
  writeFileSync(natsKey, key, { mode: 0o600 });
  const lines = [
    'server_name: ifactor-lab',
    `listen: "127.0.0.1:${port}"`,
    'authorization {',
    '  users: [',
    ...rolesOf(lab.nodes).map((who) => {
      const user = userOf(who);
      const login = `user: ${JSON.stringify(user)}, password: ${JSON.stringify(users[user])}`;
      return `    { ${login}, permissions: ${spellPermissions(permissionsOf(who, names), '    ')} }`;
    }),
    '  ]',
    '}',
    `tls { cert_file: ${JSON.stringify(natsCertificate)}, key_file: ${JSON.stringify(natsKey)} }`,
    `jetstream { store_dir: ${JSON.stringify(pathsOf(lab.dir).nats)}, max_memory_store: 64MB, max_file_store: 4GB }`,
  ];
  writeFileSync(pathsOf(lab.dir).natsConfig, `${lines.join('\n')}\n`, { mode: 0o600 });
}

export function bridgeProgram(lab: Manifest): Program {
  return {
    part: 'bridge',
    command: process.execPath,
    // A fixed name: a bridge that was killed is followed at once, without waiting for its lease to expire.
    args: [ownProgram('bridge'), '--identity', 'lab', '--kubeconfig', kubeconfigOf(lab), '--nats', natsUrl(lab)],
    env: natsEnvironment(lab, { role: 'bridge' }),
  };
}

export function agentProgram(lab: Manifest, node: string): Program {
  const alias = ({ name, real }: Manifest['containers'][number]) =>
    lab.runtime === 'netns' ? [`${name}=netns:${netnsPath(real)}`] : real === name ? [] : [`${name}=docker:${real}`];
  const [command = '', ...args] = machineOf(lab).argv([process.execPath, ownProgram('agent')]);
  return {
    part: `agent/${node}`,
    command,
    args: [
      ...args,
      '--node',
      node,
      '--nats',
      natsUrl(lab, lab.vm ? guestNetwork.host : undefined),
      '--state-dir',
      lab.vm ? `${guestState}/${node}` : pathsOf(lab.dir).agent(node),
      '--netns',
      netnsPath(nodeNetns(lab.id, node)),
      ...lab.containers.flatMap((container) => alias(container).flatMap((value) => ['--container-alias', value])),
    ],
    env: natsEnvironment(lab, { role: 'node', node }),
    ...(lab.vm ? { readyWithinMs: emulatedReadyMs } : {}),
  };
}

/** In which a program may become ready that an emulated processor runs: one minute is what two agents take on an idle machine. */
const emulatedReadyMs = 240_000;

/** Where agents in a virtual machine keep their state: in its memory, since they outlive themselves but not their nodes. */
const guestState = '/run/ifactor';

/** The virtual machine that holds nodes and containers; they end with it. Its log is its console. */
export function vmProgram({ dir, vm }: Manifest): Program {
  const paths = pathsOf(dir);
  const { vm: folder, vmControl: controlFile } = paths;
  if (!vm) throw new TypeError('this lab has no virtual machine');
  const { program, ...image } = JSON.parse(readFileSync(join(folder, 'image.json'), 'utf8')) as GuestImage;
  const args = qemuArguments({ ...image, memoryMb: 1536, consoleFile: paths.log('vm'), controlFile, port: vm.port });
  return { part: 'vm', command: program, args, ready: guestReady, readyWithinMs: emulatedReadyMs };
}

/** Finds a kernel and what else a guest is booted from, and writes it down. @throws VmUnavailable */
export async function prepareVm({ dir, vm }: Manifest, report: (line: string) => void): Promise<void> {
  if (!vm) return;
  const { vm: folder, vmControl } = pathsOf(dir);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeControl(vmControl, vm.port);
  writeFileSync(join(folder, 'image.json'), JSON.stringify(await guestImage(vm.kernel, folder, report)));
}

/** The inspector. Its page is built on the first request, as most labs never need it. */
export function uiProgram(lab: Manifest): Program {
  return {
    part: 'ui',
    command: process.execPath,
    args: [operatorProgram(), 'ui', '--lazy', '--nats', natsUrl(lab), '--port', String(lab.ui.port)],
    env: { ...natsEnvironment(lab, { role: 'page' }), IFACTOR_UI_TOKEN: lab.ui.token },
  };
}

/** The operator's program, which runs the lab: this process was started as it. */
export function operatorProgram(): string {
  const [, program] = process.argv;
  if (program === undefined) throw new Error('this process was not started from a file');
  return program;
}
