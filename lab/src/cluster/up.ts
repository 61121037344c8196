import { randomBytes } from 'node:crypto';
import { systemClock, UsageError } from '@ifactor/common';
import { clusterPrograms, installKinds, leasesOf, prepareCluster, reachable } from './apiserver.ts';
import { dockerVersion, ensureImage, startContainer } from '../host/docker.ts';
import { down } from './down.ts';
import { LabError } from './error.ts';
import { assertNoBridge } from './otherBridge.ts';
import { identify, isAlive } from '@ifactor/common/proc';
import {
  claimDir,
  createManifest,
  readManifest,
  saveManifest,
  type LabCluster,
  type Manifest,
  type LabRuntime,
} from './manifest.ts';
import { kubeconfigOf, natsUrl, rolesOf, userOf } from './environment.ts';
import { fetchNats, findNats, type NatsProgram } from '../host/natsBinary.ts';
import { makeContainer, makeNodes } from '../host/netns.ts';
import type { UpOptions } from './options.ts';
import { install, missingPrograms } from '../host/packages.ts';
import { labId, pathsOf } from './paths.ts';
import { freePorts } from '../host/port.ts';
import { helperMark, running, start } from '../process/program.ts';
import {
  agentProgram,
  bridgeProgram,
  natsProgram,
  parts,
  prepareVm,
  uiProgram,
  vmProgram,
  writeNatsConfig,
} from './programs.ts';
import type { Progress } from '../process/progress.ts';

/**
 * Starts a lab and resolves when all of it is ready. What it made until an error or the abort is there still: `down`.
 * @throws UsageError, LabError
 */
export async function up(options: UpOptions, progress: Progress, abort: AbortSignal): Promise<Manifest> {
  const { dir } = options;
  if (process.getuid?.() !== 0)
    throw new UsageError('a lab needs root, to make network namespaces: sudo env "PATH=$PATH" npm run lab');
  await clearLeftovers(dir, progress);
  if (options.vm && options.runtime === 'docker')
    throw new UsageError('--vm: the containers of a virtual machine are network namespaces; leave --runtime out');
  const runtime = options.vm ? 'netns' : await chooseRuntime(options.runtime);
  const missing = await missingPrograms(runtime, options.vm !== undefined);
  if (missing.length > 0) await progress.step(`installed ${missing.join(', ')}`, () => install(missing, progress.say));
  const nats = (await findNats()) ?? (await progress.step('nats-server fetched', () => fetchNats(progress.say)));
  if (options.kubeconfig !== undefined && !(await reachable(options.kubeconfig))) {
    throw new UsageError(
      `no API server answers for ${options.kubeconfig}: try \`kubectl --kubeconfig ${options.kubeconfig} version\``,
    );
  }
  if (options.kubeconfig !== undefined && options.force !== true)
    assertNoBridge(await leasesOf(options.kubeconfig), options.kubeconfig, systemClock.now());
  abort.throwIfAborted();

  claimDir(dir);
  const lab = await plan(options, runtime, nats);
  createManifest(lab);
  process.env[helperMark] = dir;
  try {
    await make(lab, nats, progress, abort);
  } finally {
    delete process.env[helperMark];
  }
  lab.phase = 'ready';
  saveManifest(lab);
  return lab;
}

/** Each part starts as soon as those it needs are there. */
async function make(lab: Manifest, { version }: NatsProgram, progress: Progress, abort: AbortSignal): Promise<void> {
  const step = <T>(title: string, act: () => Promise<T>, describe?: (result: T) => string): Promise<T> => {
    abort.throwIfAborted();
    return progress.step(title, act, describe);
  };
  await writeNatsConfig(lab);
  prepareCluster(lab);
  const vm = lab.vm ? machine(lab, progress, step, abort) : Promise.resolve();
  const nodes = vm.then(() =>
    step(`nodes ${lab.nodes.map(({ name, address }) => `${name} (${address})`).join(', ')}`, () => makeNodes(lab)),
  );
  const containers = vm.then(() =>
    step(
      `containers (${lab.runtime})`,
      () => makeContainers(lab),
      () => lab.containers.map(({ real }) => real).join(', '),
    ),
  );
  const nats = step(`nats-server ${version} at ${natsUrl(lab)}`, () => start(lab.dir, natsProgram(lab), abort));
  const api = cluster(lab, step, abort);
  const bridge = Promise.all([nats, api]).then(() => step('bridge', () => start(lab.dir, bridgeProgram(lab), abort)));
  const agents = Promise.all([nodes, containers, nats]).then(() =>
    Promise.all(
      lab.nodes.map(({ name }) => step(`agent of ${name}`, () => start(lab.dir, agentProgram(lab, name), abort))),
    ),
  );
  // The lab prints the inspector's address, so the inspector must be ready before the lab is.
  const inspector = step(`inspector at http://127.0.0.1:${lab.ui.port}`, () => start(lab.dir, uiProgram(lab), abort));
  const all = [vm, nodes, containers, nats, api, bridge, agents, inspector];
  // One that failed must not leave others behind that still make things.
  const failed = (await Promise.allSettled(all)).find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

async function machine(lab: Manifest, progress: Progress, step: Progress['step'], abort: AbortSignal): Promise<void> {
  await prepareVm(lab, progress.say);
  await step(`virtual machine (${lab.vm?.kernel} kernel of Debian's)`, () => start(lab.dir, vmProgram(lab), abort));
}

/** What a virtual machine that was restarted lacks: its nodes and containers. */
export async function refillMachine(lab: Manifest): Promise<void> {
  await Promise.all([makeNodes(lab), makeContainers(lab)]);
}

async function cluster(lab: Manifest, step: Progress['step'], abort: AbortSignal): Promise<void> {
  const { kind } = lab.cluster;
  for (const program of clusterPrograms(lab)) {
    const title = program.part === 'apiserver' && kind === 'embedded' ? 'API server (embedded)' : program.part;
    await step(title, () => start(lab.dir, program, abort));
  }
  if (kind !== 'embedded') await step('CRDs applied', () => installKinds(kubeconfigOf(lab)));
}

async function makeContainers(lab: Manifest): Promise<void> {
  if (lab.runtime === 'docker') await ensureImage();
  const makeOne = (name: string) =>
    lab.runtime === 'docker' ? startContainer(lab.dir, lab.id, name) : makeContainer(lab, name);
  const made = await Promise.allSettled(
    lab.containers.map(async (container) => {
      container.real = await makeOne(container.name);
    }),
  );
  const failed = made.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  saveManifest(lab);
}

async function clearLeftovers(dir: string, progress: Progress): Promise<void> {
  const old = readManifest(dir);
  if (!old) return;
  if (old.owner && isAlive(old.owner))
    throw new UsageError(
      `a lab already ${old.phase === 'ready' ? 'runs' : 'starts'} in ${dir}: see \`ifactor lab status\`, or end it with \`ifactor lab down\``,
    );
  if (old.phase === 'ready' && parts(old).some((part) => running(dir, part))) {
    throw new UsageError(
      `a lab already runs in ${dir}: see \`ifactor lab status\`, or end it with \`ifactor lab down\``,
    );
  }
  progress.say(`an earlier lab in ${dir} did not end properly; removing what it left`);
  await down(dir, progress);
}

async function chooseRuntime(wanted: UpOptions['runtime']): Promise<LabRuntime> {
  if (wanted === 'netns') return 'netns';
  if (await dockerVersion()) return 'docker';
  if (wanted === 'auto') return 'netns';
  throw new LabError('Docker does not answer: start it, or use --runtime netns');
}

async function plan(options: UpOptions, runtime: LabRuntime, nats: NatsProgram): Promise<Manifest> {
  const prefix = process.env['IFACTOR_PREFIX'];
  const { dir, nodes } = options;
  const [port = 0, ui = 0, guest = 0, ...others] = await freePorts(6);
  return {
    version: 1,
    id: labId(dir),
    dir,
    phase: 'starting',
    owner: identify(process.pid) ?? null,
    runtime,
    vm: options.vm ? { kernel: options.vm, port: guest } : null,
    nodes,
    containers: options.containers.map(({ name }) => ({ name, real: name })),
    nats: {
      program: nats.path,
      port,
      users: Object.fromEntries(rolesOf(nodes).map((who) => [userOf(who), randomBytes(18).toString('base64url')])),
      ...(prefix ? { prefix } : {}),
    },
    cluster: planCluster(options, others),
    ui: { port: ui, token: randomBytes(24).toString('base64url') },
  };
}

function planCluster({ kubeconfig }: UpOptions, [port = 0, clientPort = 0, peerPort = 0]: number[]): LabCluster {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (kubeconfig !== undefined) return { kind: 'kubeconfig', path: kubeconfig };
  if (assets)
    return { kind: 'assets', folder: assets, port, clientPort, peerPort, token: randomBytes(24).toString('hex') };
  return { kind: 'embedded', port };
}

/** The lab keeps running without the process that started it. */
export function detach(lab: Manifest): void {
  saveManifest({ ...lab, owner: null });
}

/** Where to look when something went wrong. */
export function logsOf(dir: string): string {
  return pathsOf(dir).logs;
}
