/**
 * Mutations of the example objects against the embedded server: each request is answered, none by an internal error, and
 * the server keeps running. IFACTOR_MUTATIONS sets the number of objects (default 150), IFACTOR_SEED repeats a run.
 */
import { Agent } from 'node:https';
import { assert, asyncProperty, constantFrom } from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isRecord, part, text } from '@ifactor/common/json';
import type { Json } from '@ifactor/common/json';
import { startTestApiServer } from '../testing/apiClient.ts';
import type { TestApiServer } from '../testing/apiClient.ts';
import { collectionOf, examples, mutate, mutations } from '@ifactor/common/testing/mutation';

const runs = Number(process.env['IFACTOR_MUTATIONS'] ?? 150);
const seed = process.env['IFACTOR_SEED'];
/** A response that takes longer than this is too late, even on a busy machine. */
const answerMs = 30_000;

const merge = 'application/merge-patch+json';
const apply = 'application/apply-patch+yaml';
const ways = ['create', 'replace', 'merge', 'apply', 'status', 'jsonPatch'] as const;

let api: TestApiServer;
const agent = new Agent({ keepAlive: true, timeout: answerMs });
beforeAll(async () => {
  api = await startTestApiServer();
});
afterAll(async () => {
  agent.destroy();
  await api.close();
});

const call = async (method: string, at: string, body: unknown, type = 'application/json'): Promise<number> =>
  (await api.call(method, at, JSON.stringify(body), { 'content-type': type }, agent)).code;

const original = (example: Json): Json => ({ ...example, metadata: { name: text(example, 'metadata', 'name') } });

async function send(way: (typeof ways)[number], example: Json, mutant: unknown): Promise<number> {
  const path = collectionOf(example);
  const name = `${path}/${text(example, 'metadata', 'name')}`;
  if (way === 'create') return call('POST', path, mutant);
  await call('POST', path, original(example));
  switch (way) {
    case 'replace': {
      const { body } = await api.call('GET', name, undefined, {}, agent);
      const metadata = { resourceVersion: part(body, 'metadata')['resourceVersion'], ...part(mutant, 'metadata') };
      return call('PUT', name, isRecord(mutant) ? { ...mutant, metadata } : mutant);
    }
    case 'merge':
      return call('PATCH', name, mutant, merge);
    case 'apply':
      return call('PATCH', `${name}?fieldManager=me&force=true`, mutant, apply);
    case 'status':
      return call('PATCH', `${name}/status`, { status: mutant }, merge);
    case 'jsonPatch':
      return call(
        'PATCH',
        name,
        [{ op: 'add', path: '/spec', value: part(mutant, 'spec') }, mutant],
        'application/json-patch+json',
      );
  }
}

it(`answers ${runs} mutants of the ${examples.length} examples`, { timeout: 60_000 + runs * 200 }, async () => {
  expect(examples.length).toBeGreaterThan(5);
  // The originals are taken, and a mutant known to be wrong is refused: so a run tests both, whatever its seed.
  const created = new Set<string>();
  for (const example of examples) {
    const path = collectionOf(example);
    const name = `${path}/${text(example, 'metadata', 'name')}`;
    expect([name, await call('POST', path, original(example))]).toEqual([name, created.has(name) ? 409 : 201]);
    created.add(name);
    const misnamed = { ...original(example), metadata: { name: 'Not A Name' } };
    expect([name, await call('POST', path, misnamed)]).toEqual([name, 422]);
  }
  const codes = new Map<number, number>();
  const property = asyncProperty(
    constantFrom(...examples),
    constantFrom(...ways),
    mutations,
    async (example, way, changes) => {
      const code = await send(way, example, mutate(example, changes));
      codes.set(code, (codes.get(code) ?? 0) + 1);
      expect(api.internalErrors).toEqual([]);
      expect(code).toBeLessThan(500);
    },
  );
  await assert(property, { numRuns: runs, endOnFailure: true, ...(seed === undefined ? {} : { seed: Number(seed) }) });
  // Mutants that were refused as a whole, or taken as a whole, would test little. A few may be so by chance.
  const seen = [...codes.keys()];
  if (runs >= 100) expect([seen.some((code) => code < 300), seen.includes(422)]).toEqual([true, true]);
  for (const path of new Set(examples.map(collectionOf))) expect((await api.call('GET', path)).code).toBe(200);
});
