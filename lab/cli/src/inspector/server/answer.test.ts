import { someKey, someLives } from '@ifactor/actors/testing';
import type { RecordedEvent } from '@ifactor/crds';
import { beforeAll, describe, expect, test } from 'vitest';
import { eventLine, fileHeader } from '../../log/file.ts';
import { readDropped } from '../history/dropped.ts';
import { Feed } from '../feed.ts';
import { fileLimit } from '../protocol.ts';
import type { PageAnswer, Told } from '../protocol.ts';
import { InspectorSession } from './session.ts';

const events: RecordedEvent[] = someLives(
  { node: 'lax1', eventId: (sequence) => `lax1.j.${sequence}` },
  ['a', 'b'].map(someKey),
)
  .take(400)
  .toArray();
// As an agent would have recorded them: each but an actor's first follows from the one before.
const causes = new Map<string, string>();
const linked = events.map((event) => {
  const causationId = causes.get(event.key.name) ?? null;
  causes.set(event.key.name, event.id);
  return { ...event, causationId };
});
const file = [fileHeader(new Date(0), false), ...linked.map(eventLine)].join('\n');
const a = 'lax1 netlinkinterface/default/a';

const told: Told[] = [];
const answers = new Map<number, PageAnswer>();
let session: InspectorSession;
let count = 0;

async function ask(what: string, request: unknown): Promise<unknown> {
  const id = ++count;
  await session.hear(JSON.stringify({ id, ask: what, request }));
  const answer = answers.get(id);
  if (answer === undefined) throw new Error('there was no answer');
  if ('error' in answer) throw new Error(answer.error);
  return answer.answer;
}

beforeAll(async () => {
  session = new InspectorSession(new Feed({ kind: 'live', name: 'nothing' }), (message) => {
    if ('tell' in message) told.push(message);
    else answers.set(message.id, message);
  });
  expect(await ask('open', { name: 'bug.log', text: file })).toEqual({ kind: 'file', name: 'bug.log' });
});

test('a dropped file is told as the streams are: the source, the map, how all stands', () => {
  expect(told.slice(-3).map(({ tell }) => tell)).toEqual(['source', 'topology', 'moment']);
  expect(told.at(-2)).toMatchObject({
    topology: { nodes: [{ name: 'lax1' }], actors: [{ id: a, interfaceName: 'a', type: 'bridge' }, {}] },
  });
  expect(told.at(-1)).toMatchObject({ moment: { at: null, total: 400 } });
});

describe('events', () => {
  test('are given by where they stand in the filtered list', async () => {
    const drifts = events.filter(({ type, key }) => type === 'DriftObserved' && key.name === 'a');
    const filter = { actor: a, types: ['DriftObserved'] };
    const answer = await ask('events', { filter, from: 1, count: 2 });
    expect(answer).toMatchObject({
      total: drifts.length,
      rows: drifts.slice(1, 3).map(({ id }) => ({ id, actor: a, type: 'DriftObserved', words: 'link a was deleted' })),
    });
    const third = events.indexOf(drifts[2] as RecordedEvent) + 1;
    expect(await ask('rank', { filter, at: third })).toEqual({ rank: 3 });
    expect(await ask('rank', { filter, at: third - 1 })).toEqual({ rank: 2 });
  });

  test('are searched in what they say', async () => {
    expect(await ask('events', { filter: { text: 'ADDED FD00::1/64 TO B' }, from: 0, count: 1 })).toMatchObject({
      rows: [{ type: 'AddressAdded', words: 'added fd00::1/64 to b' }],
    });
    expect(await ask('events', { filter: { text: 'no such words' }, from: 0, count: 9 })).toEqual({
      total: 0,
      rows: [],
    });
  });
});

test('an actor at a drift shows what differs, what was tried and how often it came this way', async () => {
  const at = events.findLastIndex(({ type, key }) => type === 'DriftObserved' && key.name === 'a') + 1;
  const detail = await ask('actor', { actor: a, at });
  expect(detail).toMatchObject({
    at,
    state: 'drifted',
    reason: 'Drifted',
    first: 1,
    next: expect.arrayContaining([expect.objectContaining({ to: 'configured' })]) as unknown,
  });
  const { fields, tried, transitions } = detail as {
    fields: { name: string }[];
    tried: unknown[];
    transitions: { from: string; to: string; count: number }[];
  };
  expect(fields).toContainEqual({ name: 'link', desired: 'a', observed: null, differs: true });
  expect(tried[0]).toMatchObject({ operation: 'added fd00::1/64 to a', answer: 'done', failed: false });
  const ways = Object.fromEntries(transitions.map(({ from, to, count: times }) => [`${from} ${to}`, times]));
  expect(ways['pending creating']).toBe(1);
  expect(ways['configured drifted']).toBe((ways['drifted configured'] ?? 0) + 1);
  const before = await ask('actor', { actor: a, at: at - 1 });
  expect(before).toMatchObject({ state: 'configured' });
  expect((before as { fields: { differs: boolean }[] }).fields.every(({ differs }) => !differs)).toBe(true);
});

test('a chain leads from the apply to the event and on', async () => {
  const event = linked[10];
  const root = await ask('chain', { event: event?.id });
  expect(root).toMatchObject({
    position: 1,
    type: 'SpecChanged',
    effects: [{ position: 3, effects: [{ position: 5 }] }],
  });
});

test('what-if finds nothing that this code would decide otherwise, and the place where it would', async () => {
  expect(await ask('whatIf', { actor: null })).toEqual({ events: 400, difference: null });
  const other = file.replace('"state":"configured"', '"state":"failed"');
  await ask('open', { name: 'other', text: other });
  expect(await ask('whatIf', { actor: a })).toMatchObject({
    difference: { recorded: 'state failed', now: expect.stringContaining('state configured') },
  });
  await ask('open', { name: 'bug.log', text: file });
});

test.each([
  ['moment', { at: 401 }, 'there is no position 401: the log has 400 events'],
  ['moment', { at: -1 }, '-1 is not a whole number'],
  ['actor', { actor: 'nobody', at: null }, 'the log holds no actor nobody'],
  ['chain', { event: 'none' }, 'the log holds no event none'],
  ['events', { filter: { text: 7 }, from: 0, count: 1 }, 'are texts'],
  ['toString', {}, '"toString" is no known request'],
  ['open', { name: 'x', text: '' }, 'x is empty'],
  ['open', { name: 'x', text: '{}' }, 'x is not a file that `ifactor export` wrote'],
  [
    'open',
    { name: 'x', text: `${fileHeader(new Date(0), false)}\n{"event":{"id":"1"}}` },
    'x, line 2 holds no event that an agent would have recorded',
  ],
])('%s %j is refused in words, and what was shown stays', async (what, request, words) => {
  await expect(ask(what, request)).rejects.toThrow(words);
  expect(await ask('moment', { at: 400 })).toMatchObject({ total: 400 });
});

test('a file that is too large is refused before it is read', async () => {
  await expect(readDropped('huge.log', 'x'.repeat(fileLimit + 1))).rejects.toThrow(
    'huge.log is larger than 128 MiB: export less',
  );
});

test('what is no question is answered, too', async () => {
  await session.hear('{');
  expect(answers.get(0)).toEqual({ id: 0, error: 'this is not JSON' });
});
