import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { part, text } from '@ifactor/common/json';
import type { Json } from '@ifactor/common/json';
import { collectionOf, examples, mutate, mutations } from '@ifactor/common/testing/mutation';
import { ownDefinitions, startApiServer } from '@ifactor/lab/apiserver';
import { asyncProperty, check, constantFrom } from 'fast-check';
import { expect, inject, onTestFinished, test } from 'vitest';
import { until } from '@ifactor/common/testing';

/*
 * Mutants of the examples put to both API servers: each answers, and they admit the same ones, as the same objects.
 * IFACTOR_MUTATIONS says how many (300 in CI, 100 000 in a long run), IFACTOR_SEED chooses others.
 */
const runs = Number(process.env['IFACTOR_MUTATIONS'] ?? 300);
const seed = Number(process.env['IFACTOR_SEED'] ?? 12);
const kube = inject('kube');

type Server = { url: string; token: string; ca: string };
type Answer = { code: number; body: Json };

const agent = new Agent({ keepAlive: true });

function post({ url, token, ca }: Server, path: string, body: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const sent = request(`${url}${path}`, { method: 'POST', ca, headers, agent, timeout: 30_000 }, (response) => {
      let said = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
      response.on('end', () => resolve({ code: response.statusCode ?? 0, body: JSON.parse(said || '{}') as Json }));
    });
    sent.once('timeout', () => sent.destroy(new Error('no answer within 30 s')));
    sent.once('error', reject);
    sent.end(body);
  });
}

/** What an answer comes to: what was admitted, or by which class of code it was refused. */
function outcome({ code, body }: Answer): unknown {
  if (code >= 300) return code >= 500 ? `code ${code}` : 'refused';
  const { labels, annotations, finalizers, name } = part(body, 'metadata');
  const { spec, data, type } = body;
  return { name, labels, annotations, finalizers, spec, data, type };
}

test.skipIf('unavailable' in kube)(
  `both API servers admit the same of ${runs} mutants (seed ${seed})`,
  { timeout: 120_000 + runs * 200 },
  async () => {
    if ('unavailable' in kube) return;
    const real: Server = { url: kube.url, token: kube.token, ca: readFileSync(kube.caFile, 'utf8') };
    const lab = await startApiServer({ definitions: ownDefinitions(), token: 'secret' });
    onTestFinished(() => lab.close());
    const small: Server = { url: lab.url.replace('127.0.0.1', 'localhost'), token: lab.token, ca: lab.authority };
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    for (const definition of ownDefinitions()) await post(real, definitions, JSON.stringify(definition));
    for (const example of examples) {
      const named = JSON.stringify({ ...example, metadata: { name: text(example, 'metadata', 'name') } });
      const path = `${collectionOf(example)}?dryRun=All`;
      await until(async () => (await post(real, path, named)).code === 201, `${path} to be served`, 60_000);
      expect((await post(small, path, named)).code).toBe(201);
    }
    const counted = { admitted: 0, refused: 0 };
    const property = asyncProperty(constantFrom(...examples), mutations, async (example, changes) => {
      const path = `${collectionOf(example)}?dryRun=All`;
      const body = JSON.stringify(mutate(example, changes));
      const [one, other] = [outcome(await post(real, path, body)), outcome(await post(small, path, body))];
      counted[typeof one === 'string' ? 'refused' : 'admitted']++;
      expect(other, body).toEqual(one);
    });
    const found = await check(property, { numRuns: runs, seed, endOnFailure: true });
    if (found.failed) throw new Error(`seed ${seed}: ${String(found.errorInstance)}`, { cause: found.errorInstance });
    if (runs > 1000) console.log({ seed, ...counted });
    expect(Math.min(counted.admitted, counted.refused)).toBeGreaterThan(0);
  },
);
