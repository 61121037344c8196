/** Who may import whom, beyond what oxlint checks: packages by name, and pure rooms without I/O. */
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { productionFiles, root } from './tree.ts';

const packages = ['crds/common', 'crds', 'bridge', 'actors', 'lab/cli', 'lab'];
const packageOf = (path: string): string | undefined => packages.find((one) => path.startsWith(`${one}/`));

/** What a file imports, types too. */
const importsOf = (path: string): string[] =>
  [...readFileSync(resolve(root, path), 'utf8').matchAll(/(?:^|[\s(])(?:from|import)\s*\(?\s*'([^']+)'/gm)].map(
    ([, target]) => target!,
  );

const files = productionFiles();

it('no relative import leaves its package', () => {
  const leaving = files.flatMap((path) =>
    importsOf(path)
      .filter((target) => target.startsWith('.') && packageOf(join(dirname(path), target)) !== packageOf(path))
      .map((target) => `${path} → ${target}`),
  );
  expect(leaving).toEqual([]);
});

const allowed: Readonly<Record<string, readonly string[]>> = {
  'crds/common': ['common'],
  crds: ['crds'],
  bridge: ['bridge', 'common', 'crds'],
  actors: ['actors', 'common', 'crds'],
  lab: ['lab', 'common', 'crds', 'bridge', 'actors'],
  'lab/cli': ['cli', 'lab', 'common', 'crds', 'actors', 'bridge'],
};

it('packages import each other in one direction', () => {
  const wrong = files.flatMap((path) =>
    importsOf(path)
      .map((target) => /^@ifactor\/([\w-]+)/.exec(target)?.[1])
      .filter((target) => target !== undefined && !allowed[packageOf(path) ?? '']?.includes(target))
      .map((target) => `${path} → @ifactor/${target}`),
  );
  expect(wrong).toEqual([]);
});

it('agent and bridge reach JetStream through the event store only', () => {
  const direct = files.filter(
    (path) =>
      /^(?:actors|bridge)\//.test(path) && importsOf(path).some((one) => /^@nats-io\/(?:jetstream|kv)$/.test(one)),
  );
  expect(direct).toEqual([]);
});

/** Rooms that do no I/O, with the modules of Node that compute only. */
const pure = ['actors/src/interface/', 'crds/src/message/'];

it('pure rooms reach nothing that does I/O, whatever the way', () => {
  const impure = /^(?:koffi|netlink|@nats-io\/.*|node:(?!util$|crypto$|net$).*)$/;
  const reach = (path: string, seen: Set<string>): void => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const target of importsOf(path)) if (target.startsWith('.')) reach(join(dirname(path), target), seen);
  };
  for (const room of pure) {
    const seen = new Set<string>();
    for (const path of files) if (path.startsWith(room)) reach(path, seen);
    expect(seen.size, room).toBeGreaterThan(3);
    const offends = [...seen].flatMap((path) =>
      importsOf(path)
        .filter((target) => impure.test(target))
        .map((target) => `${path} → ${target}`),
    );
    expect(offends, room).toEqual([]);
  }
});
