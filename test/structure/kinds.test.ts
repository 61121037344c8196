import { expect, test } from 'vitest';
import { netlinkTypes } from '@ifactor/crds';
import { sources } from './sources.ts';

/** One file per layer that lists kinds; a kind is named in it once, or twice where it is imported before it is listed. */
const REGISTRIES = [
  'crds/src/schema/kind/index.ts',
  'actors/src/interface/kind/registry.ts',
  'actors/src/kernel/wire/kind/registry.ts',
  'actors/src/kernel/wire/kind/index.ts',
  'actors/src/driver/kind/registry.ts',
  'lab/src/host/kernel.ts',
];

/** What else may say the name of a kind, and why. */
const ALSO: Readonly<Record<string, readonly string[]>> = {
  // The ends of a veth are the one shape of object that no other kind has.
  veth: [
    'crds/src/index.ts',
    // Field text: up and mtu hold for both ends.
    'crds/src/schema/netlinkInterface.ts',
    // An example to apply.
    'lab/cli/ui/src/actor/list.tsx',
    'actors/src/kernel/kernel.ts',
    'actors/src/kernel/wire/link.ts',
    // Joins the nodes of a lab.
    'lab/src/host/doctor.ts',
    'lab/src/host/netns.ts',
  ],
  bridge: [
    // The program of that name.
    'lab/cli/src/command/bridge.ts',
    'lab/cli/src/command/index.ts',
    'lab/cli/src/command/nats.ts',
    'crds/src/message/permission.ts',
    'crds/src/message/subject.ts',
    // A mode of a macvlan.
    'crds/src/schema/kind/macvlan.ts',
    'actors/src/kernel/wire/kind/macvlan.ts',
    // The program of that name, and the bridge below the nodes of a lab.
    'actors/src/node/runner/packedActor.ts',
    'lab/src/host/doctor.ts',
    'lab/src/host/netns.ts',
  ],
  // A section whose fields are those of an ipip tunnel, and one more.
  ipip: ['crds/src/schema/kind/gre.ts', 'actors/src/interface/kind/gre.ts', 'actors/src/kernel/wire/kind/gre.ts'],
};

const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, '');

/** Where a name is a value, a field or the name of a file; `bridge` alone is also one of our programs, and a word of its own code. */
const named = (kind: string): RegExp =>
  kind === 'bridge' ? /'bridge'|\.bridge\b|\/bridge\.ts'|\bbridge:/ : new RegExp(`\\b${kind}\\b`);

const code = sources()
  .filter(({ path }) => !/^bridge\/|^lab\/src\/demo\/|\/common\//.test(path))
  .map(({ path, text }) => ({ path, text: withoutComments(text) }));

/** Where `bridge` is the program of that name. */
const isLab = (path: string): boolean => path.startsWith('lab/src/') && !path.startsWith('lab/src/host/');

test.each(netlinkTypes)('%s is named in its own files and one registry of each layer', (kind) => {
  const files = code
    .filter(({ path, text }) => named(kind).test(text) && !(kind === 'bridge' && isLab(path)))
    .map(({ path }) => path);
  const own = files.filter((path) => path.endsWith(`/kind/${kind}.ts`));
  expect(own).toContain(`crds/src/schema/kind/${kind}.ts`);
  expect(own).toContain(`actors/src/interface/kind/${kind}.ts`);
  expect(files.filter((path) => ![...own, ...REGISTRIES, ...(ALSO[kind] ?? [])].includes(path))).toEqual([]);
});

test('a registry has one line for a kind, and imports at most', () => {
  for (const { path, text } of code.filter((file) => REGISTRIES.includes(file.path))) {
    for (const kind of netlinkTypes) {
      const lines = text.split('\n').filter((line) => new RegExp(`\\b${kind}\\b`).test(line));
      const listed = lines.filter((line) => !line.startsWith('import ') && !line.includes('ip link add'));
      expect({ path, kind, listed }).toEqual({ path, kind, listed: listed.slice(0, 1) });
    }
  }
});
