import { expect, test } from 'vitest';
import { collectGarbage, TestClock } from '@ifactor/common/testing';
import { createMemoryKube } from '../testing/memoryKube.ts';
import type { KubeApi } from './port.ts';
import { json, startHttp } from '../testing/http.ts';
import { quiet, wireguard } from '../testing/objects.ts';
import { createRecorder } from './recorder.ts';

test('the same note on the same object is one Event that counts; another object has its own', async () => {
  const seen: { method: string | undefined; path: string; body: Record<string, unknown> }[] = [];
  await using http = await startHttp((url, response, request) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      seen.push({ method: request.method, path: url.pathname, body: JSON.parse(text) as Record<string, unknown> });
      json(response, {});
    });
  });
  const recorder = createRecorder(http.api, quiet, 'here', () => true);
  const note = { type: 'Warning', reason: 'DriftObserved', message: 'the kernel differs in mtu; repairing' } as const;
  for (let times = 0; times < 50; times++) recorder.note(wireguard('wg1'), note);
  recorder.note(wireguard('wg2'), note);
  await recorder.flush();
  const created = seen.filter(({ method }) => method === 'POST').map(({ body }) => body['involvedObject']);
  expect(created).toMatchObject([
    { kind: 'WireGuardInterface', name: 'wg1', uid: 'uid-wg1' },
    { name: 'wg2', uid: 'uid-wg2' },
  ]);
  expect(seen.filter(({ method }) => method === 'PATCH').map(({ body }) => body['count'])).toEqual([50]);
});

test('an object that changes all the time fills no log', async () => {
  let posts = 0;
  await using http = await startHttp((_url, response, request) => {
    if (request.method === 'POST') posts++;
    request.resume();
    json(response, {});
  });
  const recorder = createRecorder(http.api, quiet, 'here', () => true);
  for (let times = 0; times < 500; times++)
    recorder.note(wireguard('wg1'), { type: 'Normal', reason: 'R', message: `number ${times}` });
  await recorder.flush();
  expect(posts).toBe(30);
});

test('who does not lead writes no Events', async () => {
  let calls = 0;
  await using http = await startHttp((_url, response) => {
    calls++;
    json(response, {});
  });
  const recorder = createRecorder(http.api, quiet, 'here', () => false);
  recorder.note(wireguard('wg1'), { type: 'Normal', reason: 'R', message: 'm' });
  await recorder.flush();
  expect(calls).toBe(0);
});

test('names of Events sort as they happened, also within one second', async () => {
  const created: { name: string; reason: unknown }[] = [];
  await using http = await startHttp((_url, response, request) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      const { metadata, reason } = JSON.parse(text) as { metadata: { name: string }; reason: string };
      created.push({ name: metadata.name, reason });
      json(response, {});
    });
  });
  const clock = new TestClock();
  const recorder = createRecorder(http.api, quiet, 'here', () => true, clock);
  const reasons = ['DriftObserved', 'LinkRemoved', 'LinkCreated', 'Healed'];
  for (const reason of reasons) recorder.note(wireguard('wg1'), { type: 'Normal', reason, message: 'm' });
  await recorder.flush();
  expect(created.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(({ reason }) => reason)).toEqual(reasons);
});

test('objects that are gone are not kept for the sake of their Events', async () => {
  const api = { ...createMemoryKube(), create: () => Promise.resolve({}) } as unknown as KubeApi;
  const recorder = createRecorder(api, quiet, 'here', () => true);
  const objects = Array.from({ length: 20_000 }, (_, number) => wireguard(`wg${number}`, {}, { uid: `uid${number}` }));
  const weak = objects.map((object) => new WeakRef(object));
  for (const object of objects.splice(0))
    recorder.note(object, { type: 'Normal', reason: 'Created', message: 'created' });
  await recorder.flush();
  // A weak reference keeps its target alive until the end of the turn that created it.
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  expect(weak.filter((one) => one.deref() !== undefined).length).toBeLessThan(100);
  recorder.note(wireguard('wg1'), { type: 'Normal', reason: 'Ready', message: 'ready' });
});

test('an Event of a name of 253 letters has a legal name, whatever the name is cut at, and a message has at most 1024 bytes', async () => {
  const written: { metadata: { name: string }; message: string }[] = [];
  const create = (_resource: unknown, body: unknown) => {
    written.push(body as (typeof written)[number]);
    return Promise.resolve(wireguard('any'));
  };
  const recorder = createRecorder({ ...createMemoryKube(), create }, quiet, 'here', () => true);
  const legal = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
  for (const end of ['a', '.', '-', '.-']) {
    const name = `${'a'.repeat(220 - end.length)}${end}`.padEnd(253, 'b');
    recorder.note(wireguard(name), { type: 'Normal', reason: 'R', message: '→'.repeat(400) });
  }
  await recorder.flush();
  expect(written).toHaveLength(4);
  for (const { metadata, message } of written) {
    expect(metadata.name).toMatch(legal);
    expect(metadata.name.length).toBeLessThanOrEqual(253);
    expect(message).toMatch(/^→+…$/);
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(1024);
  }
});
