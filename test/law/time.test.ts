/** Time and chance are injected: only the files that provide them ask the runtime. */
import { expect, it } from 'vitest';
import { blank, codeOf, productionFiles } from './tree.ts';

const providers = new Set(['crds/common/src/clock.ts', 'crds/common/src/random.ts']);
const forbidden =
  /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|(?<![.\w])setTimeout\s*\(|(?<![.\w])setInterval\s*\(|\brandomUUID\b|\bperformance\.now\b/;

const asksTheRuntime = (code: string): boolean => forbidden.test(code);

it.each([
  ['const now = Date.now();', true],
  ['const at = new Date();', true],
  ['setTimeout(call, 5);', true],
  ['const wait = () => new Promise((resolve) => setTimeout(resolve, 5));', true],
  ['id: crypto.randomUUID(),', true],
  ['new Date(clock.now())', false],
  ['socket.setTimeout(5);', false],
  ["// Date.now() is forbidden\nconst text = 'Math.random';", false],
  ['/** `setTimeout(` */ const a = "new Date()";', false],
])('%j asks the runtime: %s', (code, asks) => expect(asksTheRuntime(blank(code))).toBe(asks));

it('production code has a Clock and a Random given to it', () => {
  const found = productionFiles().filter((path) => !providers.has(path) && asksTheRuntime(codeOf(path)));
  expect(found).toEqual([]);
});
