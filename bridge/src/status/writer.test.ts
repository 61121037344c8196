import { TestClock } from '@ifactor/common/testing';
import { expect, test } from 'vitest';
import { ApiError } from '../kube/error.ts';
import type { KubeObject } from '../kube/object.ts';
import type { KubeApi } from '../kube/port.ts';
import { resourceOf } from '../kube/resource.ts';
import { wireguard } from '../testing/objects.ts';
import { createOwnWrites } from '../view/change.ts';
import { createObjectWriter } from './writer.ts';

const resource = resourceOf('WireGuardInterface');
const ready = (status: 'True' | 'False', reason: string) => ({
  conditions: [{ type: 'Ready', status, reason, message: reason, lastTransitionTime: '2026-01-01T00:00:00.000Z' }],
});
const good = ready('True', 'Configured');
const bad = ready('False', 'SecretNotFound');

const accept = (): Promise<KubeObject> => Promise.resolve(wireguard('wg1'));

function writing() {
  const clock = new TestClock();
  const sent: unknown[] = [];
  const notes: string[] = [];
  let answer = accept;
  const send = (body: unknown): Promise<KubeObject> => {
    sent.push(body);
    return answer();
  };
  const api = {
    writeStatus: (_resource: unknown, _target: unknown, status: unknown) => send(status),
    merge: (_resource: unknown, _target: unknown, change: { metadata: { finalizers: unknown } }) =>
      send(change.metadata.finalizers),
  } as unknown as KubeApi;
  const own = createOwnWrites();
  const recorder = {
    note: (_object: KubeObject, { reason }: { reason: string }) => void notes.push(reason),
    flush: () => Promise.resolve(),
  };
  return {
    writer: createObjectWriter(api, own, recorder, clock),
    own,
    clock,
    sent,
    notes,
    answers: (next: () => Promise<KubeObject>) => (answer = next),
  };
}

test('a status is written where it differs, once a second, and a change of Ready is told', async () => {
  const { writer, clock, sent, notes } = writing();
  const object = wireguard('wg1');
  expect(await writer.status(resource, object, good)).toBeUndefined();
  expect(await writer.status(resource, { ...object, status: good }, good)).toBeUndefined();
  expect(sent).toEqual([good]);
  await clock.pass(400);
  expect(await writer.status(resource, { ...object, status: good }, bad)).toBe(600);
  await clock.pass(600);
  expect(await writer.status(resource, { ...object, status: good }, bad)).toBeUndefined();
  expect(sent).toEqual([good, bad]);
  expect(notes).toEqual(['Configured', 'SecretNotFound']);
});

test('what was written last counts, not what the watch has not brought back yet', async () => {
  const { writer, clock, sent } = writing();
  const object = { ...wireguard('wg1'), status: good };
  await writer.status(resource, object, bad);
  await clock.pass(1000);
  // The watch still shows the object as Ready, and Ready is desired again.
  await writer.status(resource, object, good);
  expect(sent).toEqual([bad, good]);
});

test('a write that failed is no write: it is tried again and told then', async () => {
  const { writer, own, clock, sent, notes, answers } = writing();
  const object = wireguard('wg1');
  answers(() => Promise.reject(new ApiError(500, {}, 'PATCH')));
  await expect(writer.status(resource, object, bad)).rejects.toThrow('500');
  expect(own.of(object)?.status).toBeUndefined();
  expect(notes).toEqual([]);
  await clock.pass(1000);
  answers(() => Promise.resolve(object));
  await writer.status(resource, object, bad);
  expect(sent).toHaveLength(2);
  expect(notes).toEqual(['SecretNotFound']);
  // The object was deleted meanwhile.
  answers(() => Promise.reject(new ApiError(404, {}, 'PATCH')));
  await clock.pass(1000);
  expect(await writer.status(resource, object, good)).toBeUndefined();
  expect(notes).toEqual(['SecretNotFound']);
});

test('finalizers are written once to a version, whoever asks; a newer one, or a failure, is tried again', async () => {
  const { writer, sent, answers } = writing();
  const object = wireguard('wg1');
  const stored = Promise.withResolvers<KubeObject>();
  answers(() => stored.promise);
  const both = [writer.finalizers(resource, object, ['a']), writer.finalizers(resource, object, ['a'])];
  stored.resolve(object);
  expect(await Promise.all(both)).toEqual([undefined, undefined]);
  // The watch has not returned it yet.
  expect(await writer.finalizers(resource, object, ['a'])).toBeUndefined();
  expect(sent).toEqual([['a']]);
  const newer = wireguard('wg1', {}, { resourceVersion: '2' });
  answers(() => Promise.reject(new ApiError(409, {}, 'PATCH')));
  expect(await writer.finalizers(resource, newer, ['a'])).toBe(1000);
  expect(await writer.finalizers(resource, newer, ['a'])).toBe(1000);
  const third = wireguard('wg1', {}, { resourceVersion: '3' });
  answers(() => Promise.reject(new ApiError(500, {}, 'PATCH')));
  await expect(writer.finalizers(resource, third, ['a'])).rejects.toThrow('500');
  answers(() => Promise.resolve(object));
  expect(await writer.finalizers(resource, third, ['a'])).toBeUndefined();
  expect(sent).toHaveLength(4);
});

test('an Event compares with what was written last, and is told only where there is one', async () => {
  const { writer, clock, notes } = writing();
  const object = { ...wireguard('wg1'), status: good };
  await writer.status(resource, object, bad);
  await clock.pass(1000);
  // The watch still shows it as Ready: becoming Ready again is reported all the same.
  await writer.status(resource, object, good);
  expect(notes).toEqual(['SecretNotFound', 'Configured']);
  await clock.pass(1000);
  await writer.status(resource, object, { ...good, hostname: 'h' } as never);
  expect(notes).toHaveLength(2);
});
