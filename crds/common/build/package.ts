import { chmod, copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { rolldown } from 'rolldown';
import type { OutputChunk } from 'rolldown';
import { required } from './required.ts';

export type PackageOptions = {
  /** Name on the registry; `main.js` becomes a program of this name. */
  name: string;
  /** Folder of the workspace; the package is made in `dist` there. */
  workspace: string;
  /** Modules that processes start from, by the name of their file in the package. One is `main`. */
  entries: Readonly<Record<string, string>>;
  /** Dependencies that are not bundled: native ones, and our own packages. Versions are the workspace's own. */
  external: readonly string[];
  /** Our own packages that must be installed beside this one, at the same version. */
  beside?: readonly string[];
  /** Files and folders to copy, by their place in the package. */
  files?: Readonly<Record<string, string>>;
};

type Manifest = {
  version: string;
  description?: string;
  license: string;
  dependencies?: Record<string, string>;
};

/**
 * Makes a package that npm can install: our own modules and what they use in a few files of JavaScript with source maps, native
 * packages as dependencies, the licenses of what is bundled in one file.
 * @throws Error where the bundle would need a package that it does not declare
 */
export async function buildPackage({
  name,
  workspace,
  entries,
  external,
  beside = [],
  files = {},
}: PackageOptions): Promise<void> {
  const dist = join(workspace, 'dist');
  const root = await repositoryOf(workspace);
  const manifest = JSON.parse(await readFile(join(workspace, 'package.json'), 'utf8')) as Manifest;
  await rm(dist, { recursive: true, force: true });
  const bundle = await rolldown({
    input: Object.fromEntries(Object.entries(entries).map(([entry, path]) => [entry, join(workspace, path)])),
    platform: 'node',
    cwd: workspace,
    // What differs between a clone and a package stands in two modules of one name: see "imports" in the workspaces' package.json.
    resolve: { conditionNames: ['packaged', 'node', 'import', 'default'] },
    treeshake: {
      moduleSideEffects: [
        { external: true, sideEffects: false },
        // Classes for every API of Kubernetes, of which none is used.
        { test: /\/@kubernetes\/client-node\//, sideEffects: false },
      ],
    },
    plugins: [required((id) => external.some((one) => id === one || id.startsWith(`${one}/`)))],
  });
  const { output } = await bundle.write({
    dir: dist,
    format: 'esm',
    sourcemap: true,
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
  });
  await bundle.close();
  const chunks = output.filter((file) => file.type === 'chunk');
  const used = usedPackages(chunks);
  const undeclared = used.filter((one) => !external.includes(one));
  if (undeclared.length > 0) throw new Error(`${name} would need ${undeclared.join(', ')}, which it does not declare`);

  await writeFile(join(dist, 'LICENSES.txt'), await licenses(chunks));
  await copyFile(join(root, 'LICENSE'), join(dist, 'LICENSE'));
  for (const [to, from] of Object.entries(files)) {
    await mkdir(dirname(join(dist, to)), { recursive: true });
    await cp(join(workspace, from), join(dist, to), { recursive: true });
  }
  await chmod(join(dist, 'main.js'), 0o755);
  const dependencies = {
    ...Object.fromEntries(external.map((one) => [one, manifest.dependencies?.[one] ?? manifest.version])),
    ...Object.fromEntries(beside.map((one) => [one, manifest.version])),
  };
  const published = {
    name,
    version: manifest.version,
    description: manifest.description,
    license: manifest.license,
    type: 'module',
    bin: { [name]: 'main.js' },
    exports: { './main.js': './main.js', './package.json': './package.json' },
    dependencies,
    engines: { node: '>=24' },
    os: ['linux'],
  };
  await writeFile(join(dist, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
}

/** Packages that the bundle imports when it runs. */
function usedPackages(chunks: readonly OutputChunk[]): string[] {
  const own = new Set(chunks.map(({ fileName }) => fileName));
  const imported = chunks.flatMap(({ imports, dynamicImports }) => [...imports, ...dynamicImports]);
  const packages = imported.filter((one) => !own.has(one) && !isBuiltin(one));
  return [...new Set(packages.map((one) => /^(@[^/]+\/)?[^/]+/.exec(one)?.[0] ?? one))];
}

/** The license of each package that is bundled, as it gives it. */
async function licenses(chunks: readonly OutputChunk[]): Promise<string> {
  const folders = new Set(
    chunks.flatMap(({ moduleIds }) =>
      moduleIds.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id.replace(/^\0/, ''))?.[0] ?? []),
    ),
  );
  const texts = await Promise.all([...folders].toSorted().map(licenseOf));
  return texts.join('\n----\n\n');
}

async function licenseOf(folder: string): Promise<string> {
  const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: string;
  };
  const file = (await readdir(folder)).find((one) => /^(licen[sc]e|copying)(\.(md|txt))?$/i.test(one));
  const text = file === undefined ? '' : `\n${await readFile(join(folder, file), 'utf8')}`;
  return `${name} ${version} (${license ?? 'see its text'})\n${text}`;
}

/** The folder above that has the lock file. */
async function repositoryOf(folder: string): Promise<string> {
  for (let at = folder; at !== dirname(at); at = dirname(at))
    if ((await readdir(at)).includes('package-lock.json')) return at;
  throw new Error(`${folder} is in no clone`);
}
