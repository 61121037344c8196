// `npm run lane`: lists the lanes. `npm run lane -- heal …`: runs one; what follows the name goes to vitest.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { lanes, unitFolders } from './lanes.ts';
import { natsEnvironment } from './nats.ts';
import { lanePage } from './page.ts';

const root = join(import.meta.dirname, '../..');
const [name, ...rest] = process.argv.slice(2);
const page = lanePage();
const folder = Object.entries(unitFolders).find(([unit]) => unit === name)?.[1];
const lane = lanes().find((one) => one.name === name);

if (name === undefined) {
  for (const [one, lines] of page) console.log([one, ...lines.map((line) => `  ${line}`)].join('\n'));
} else if (folder === undefined && lane === undefined) {
  console.error(`no lane ${name}: choose one of ${[...page.keys()].join(', ')}`);
  process.exitCode = 2;
} else {
  const env = { ...process.env, ...(await natsEnvironment()) };
  // `bridge` is a workspace and a folder of test/: both run.
  const runs = [
    ...(folder === undefined
      ? []
      : [{ cwd: join(root, folder), flags: ['--testTimeout=60000', '--hookTimeout=60000'] }]),
    ...(lane === undefined ? [] : [{ cwd: join(root, 'test'), flags: [`--project=${lane.name}`] }]),
  ];
  const codes = runs.map(
    ({ cwd, flags }) => spawnSync('vitest', ['run', ...flags, ...rest], { cwd, env, stdio: 'inherit' }).status,
  );
  process.exitCode = codes.every((code) => code === 0) ? 0 : 1;
}
