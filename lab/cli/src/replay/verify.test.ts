import { describe, expect, test } from 'vitest';
import { hashOf } from '@ifactor/actors';
import { someKey, someLives } from '@ifactor/actors/testing';
import { machineVersion } from '@ifactor/crds';
import type { RecordedEvent, StatusMessage } from '@ifactor/crds';
import { replay } from '../log/lives.ts';
import { Check } from './verify.ts';

const made = someLives({ node: 'lax1', eventId: (sequence) => `lax1.j.${sequence}` }, [someKey('a')])
  .take(12)
  .toArray();
const by = (machine: number, events = made): RecordedEvent[] => events.map((event) => ({ ...event, machine }));

/** The status that an agent publishes after these events, with this digest. */
const said = (events: readonly RecordedEvent[], hash: string): StatusMessage => {
  const { sequence, type, time } = events.at(-1)!;
  return { hash, status: { lastEvent: { sequence, type, time } } } as StatusMessage;
};

function check(events: readonly RecordedEvent[], hash?: string) {
  const one = new Check(hash === undefined ? undefined : said(events, hash));
  for (const step of replay(events)) one.see(step);
  return one.verdict();
}

const digest = (): string => hashOf([...replay(made)].at(-1)!.snapshot);

describe('a log that is verified', () => {
  test('of this version counts by its digest', () => {
    expect(check(made, digest())).toEqual({ result: 'equal', events: 12 });
    expect(check(made, 'other')).toMatchObject({ result: 'differs' });
  });

  test.each([1, 2])('of version %i counts by states and operations, and says that its digests do not', (machine) => {
    expect(check(by(machine), 'other')).toEqual({
      result: 'equal',
      events: 12,
      why: `by states and operations; machine version ${machine} wrote it, whose digests are not compared`,
    });
  });

  test('of an agent that was upgraded during the life does not count by digests either', () => {
    const mixed = [...by(2, made.slice(0, 6)), ...made.slice(6)];
    expect(check(mixed, 'other')).toMatchObject({
      result: 'equal',
      why: expect.stringContaining('version 2') as string,
    });
  });

  test('of a later version is not called wrong: it holds what this one does not know', () => {
    const resting = { type: 'LinkMeasured', state: 'resting', data: {} } as unknown as RecordedEvent;
    const later = by(machineVersion + 1, made);
    expect(check(later, 'other')).toMatchObject({ result: 'unknown', why: expect.stringContaining('later') as string });
    const [, second, ...rest] = later;
    expect(check([later[0]!, { ...second!, ...resting }, ...rest])).toMatchObject({ result: 'unknown' });
  });

  test('of an agent that is older than its log says that what it kept is not told', () => {
    const started = {
      ...made[6]!,
      type: 'AgentStarted',
      data: { version: '1', later: machineVersion + 1 },
    } as RecordedEvent;
    const mixed = [...by(machineVersion + 1, made.slice(0, 6)), started, ...made.slice(6)];
    expect(check(mixed, 'other')).toMatchObject({
      result: 'unknown',
      why: expect.stringContaining('older agent') as string,
    });
  });

  test('in which another operation was done differs, where this version wrote it', () => {
    const other = made.map((event) =>
      event.type === 'LinkCreated' ? { ...event, data: { ...event.data, name: 'b' } } : event,
    );
    expect(check(other)).toMatchObject({ result: 'differs', why: expect.stringContaining('LinkCreated') as string });
    expect(check(by(2, other))).toMatchObject({
      result: 'unknown',
      why: expect.stringContaining('machine version 2 decided so, this is version 3') as string,
    });
  });
});
