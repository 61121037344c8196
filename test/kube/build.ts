import { execFile, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { cacheDir } from '../lane/cache.ts';
import { KubeUnavailable } from './error.ts';
import { executable } from './path.ts';

/** The Kubernetes release that module/go.mod pins. */
export const KUBE_VERSION = 'v1.37.2';

const PROGRAMS = ['kube-apiserver', 'kube-controller-manager', 'kubectl'] as const;
export type KubeProgram = (typeof PROGRAMS)[number];

/** Path of each built program. */
export type KubePrograms = Record<KubeProgram, string>;

const STAMP = 'k8s.io/component-base/version';
const [major, minor] = KUBE_VERSION.slice(1).split('.');

/**
 * One builds while others wait for the lock. The shell leads a process group and is told when its starter dies, so that no
 * compiler outlives an interrupted run.
 */
const BUILD = `
trap 'trap - TERM; kill 0' TERM
exec 9>"$1.lock"
flock 9 & wait $!
[ -x "$1" ] && exit 0
nice -n 15 go build -v -ldflags "$2" -o "$1.partial" "$3" 9>&- & wait $! || exit
mv "$1.partial" "$1"`;

/**
 * Builds Kubernetes' programs from Go modules into the cache, unless they are there. The first time takes some ten
 * minutes on two cores; `report` is told how far it is. Several processes may call this at once: one builds, the others wait.
 * @throws KubeUnavailable without a Go that can build them, or if the build fails.
 */
export async function buildKube(report: (line: string) => void = () => {}): Promise<KubePrograms> {
  const folder = cacheDir('kube', KUBE_VERSION);
  const paths: KubePrograms = {
    'kube-apiserver': join(folder, 'kube-apiserver'),
    'kube-controller-manager': join(folder, 'kube-controller-manager'),
    kubectl: join(folder, 'kubectl'),
  };
  const missing: KubeProgram[] = [];
  for (const name of PROGRAMS) if (!(await executable(paths[name]))) missing.push(name);
  if (missing.length === 0) return paths;
  await needGo();
  await mkdir(folder, { recursive: true });
  for (const name of missing) await compile(name, paths[name], report);
  return paths;
}

async function compile(name: KubeProgram, path: string, report: (line: string) => void): Promise<void> {
  const started = Date.now();
  const flags = `-s -w -X ${STAMP}.gitVersion=${KUBE_VERSION} -X ${STAMP}.gitMajor=${major} -X ${STAMP}.gitMinor=${minor}`;
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'TERM', '--', 'sh', '-c', BUILD, 'sh', path, flags, `k8s.io/kubernetes/cmd/${name}`],
    {
      cwd: join(import.meta.dirname, 'module'),
      env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -trimpath -buildvcs=false', GOWORK: 'off' },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    },
  );
  report(`building ${name} ${KUBE_VERSION} into ${path}`);
  let packages = 0;
  const said: string[] = [];
  const lines = createInterface({ input: child.stderr });
  lines.on('line', (line) => {
    // With -v the compiler names each package as it begins it; anything else is a complaint.
    if (/^[\w.-]+(\/[\w.~-]+)*$/.test(line)) packages += 1;
    else if (!line.startsWith('go: downloading ')) said.push(line);
  });
  const seconds = () => Math.round((Date.now() - started) / 1000);
  const ticker = setInterval(() => report(`building ${name}: ${packages} packages, ${seconds()} s`), 15_000);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new KubeUnavailable('setpriv is missing: apt-get install util-linux', { cause })),
    );
    child.once('close', resolve);
  }).finally(() => clearInterval(ticker));
  if (code !== 0)
    throw new KubeUnavailable(`go could not build ${name} ${KUBE_VERSION}:\n${said.slice(-20).join('\n')}`);
  report(`built ${name} in ${seconds()} s`);
}

async function needGo(): Promise<void> {
  const advice = `Kubernetes ${KUBE_VERSION} is built with Go 1.26 or newer: apt-get install golang-go from a release that has it, or set KUBEBUILDER_ASSETS to a folder with kube-apiserver and etcd`;
  const { stdout } = await promisify(execFile)('go', ['env', 'GOVERSION']).catch((cause: unknown) => {
    throw new KubeUnavailable(`no Go here. ${advice}`, { cause });
  });
  const [, first = '0', second = '0'] = /^go(\d+)\.(\d+)/.exec(stdout) ?? [];
  if (Number(first) < 1 || (Number(first) === 1 && Number(second) < 21)) {
    throw new KubeUnavailable(`${stdout.trim()} is too old. ${advice}`);
  }
}

if (import.meta.main) {
  const started = Date.now();
  await buildKube((line) => console.log(`kube: ${line}`));
  console.log(`kube: ${KUBE_VERSION} is in the cache (${Math.round((Date.now() - started) / 1000)} s)`);
}
