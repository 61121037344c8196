import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeEvent, encodeEvent, EnvelopeError } from './envelope.ts';
import type { Headers } from './envelope.ts';
import type { RecordedEvent } from './event.ts';

/** Headers as NATS has them: text only, '' for a missing one. */
class TextHeaders implements Headers {
  readonly all = new Map<string, string>();
  get(name: string): string {
    return this.all.get(name) ?? '';
  }
  set(name: string, value: string): void {
    this.all.set(name, value);
  }
}

const alnum = 'abcdefghijklmnopqrstuvwxyz0123456789'.split('');
const label = fc
  .tuple(
    fc.constantFrom(...alnum),
    fc.array(fc.constantFrom(...alnum, '-'), { maxLength: 8 }),
    fc.constantFrom(...alnum),
  )
  .map(([first, inner, last]) => first + inner.join('') + last);
const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
const sequence = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const moment = fc
  .date({ min: new Date(0), max: new Date('9999-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());
const place = {
  id: fc.tuple(name, sequence).map(([node, at]) => `${node}.${at}`),
  sequence,
  node: name,
  key: fc.record({ kind: fc.constantFrom('netlinkinterface', 'wireguardinterface'), namespace: label, name }),
  causationId: fc.option(name),
  correlationId: fc.tuple(fc.uuid(), sequence).map(([uid, version]) => `${uid}@${version}`),
  state: fc.constantFrom('pending', 'moved-to-netns', 'deleted'),
  machine: fc.integer({ min: 1, max: 1000 }),
  time: moment,
};
const event: fc.Arbitrary<RecordedEvent> = fc.oneof(
  fc.record({
    ...place,
    type: fc.constant('SecretMissing' as const),
    data: fc.record({ ref: fc.constant('privateKey'), reason: fc.string(), message: fc.string({ unit: 'grapheme' }) }),
  }),
  fc.record({
    ...place,
    type: fc.constant('NameTaken' as const),
    data: fc.record({ slot: fc.constantFrom('home' as const, 'target' as const), name: fc.string(), by: fc.string() }),
  }),
  fc.record({ ...place, type: fc.constant('Paused' as const), data: fc.record({ by: fc.string() }) }),
);

const sample: RecordedEvent = {
  id: 'lax1.j1.7',
  sequence: 7,
  node: 'lax1',
  key: { kind: 'netlinkinterface', namespace: 'default', name: 'br.0' },
  causationId: null,
  correlationId: 'f00@12',
  state: 'configured',
  machine: 1,
  time: '2026-01-02T03:04:05.678Z',
  type: 'Paused',
  data: { by: 'ann' },
};

function encoded(): { subject: string; headers: TextHeaders; payload: string } {
  const headers = new TextHeaders();
  return { ...encodeEvent(sample, headers), headers };
}

describe('the envelope', () => {
  test('gives back any event it was given', () => {
    fc.assert(
      fc.property(event, (given) => {
        const headers = new TextHeaders();
        const { subject, payload } = encodeEvent(given, headers);
        expect(decodeEvent(subject, headers, payload)).toEqual(given);
      }),
    );
  });

  test('is CloudEvents 1.0 in binary mode, with a body that a person can read', () => {
    const { subject, headers, payload } = encoded();
    expect(subject).toBe('ifactor.event.lax1.netlinkinterface.default.br_0.Paused');
    expect(payload).toBe('{"by":"ann"}');
    expect(Object.fromEntries(headers.all)).toMatchObject({
      'ce-specversion': '1.0',
      'ce-id': 'lax1.j1.7',
      'ce-type': 'ifactor.Paused',
      'ce-time': '2026-01-02T03:04:05.678Z',
      'ce-correlationid': 'f00@12',
      'content-type': 'application/json',
      'ifactor-state': 'configured',
    });
    expect(headers.all.has('ce-causationid')).toBe(false);
  });

  test.each([
    'ce-specversion',
    'ce-id',
    'ce-type',
    'ce-subject',
    'ce-time',
    'ce-correlationid',
    'ifactor-state',
    'ifactor-sequence',
    'ifactor-machine',
  ])('is refused without %s', (missing) => {
    const { subject, headers, payload } = encoded();
    headers.all.delete(missing);
    expect(() => decodeEvent(subject, headers, payload)).toThrow(EnvelopeError);
  });

  test.each([
    ['ce-specversion', '0.3'],
    ['ce-type', 'ifactor.Resumed'],
    ['ce-subject', 'netlinkinterface/default'],
    ['ifactor-sequence', 'seven'],
    ['ifactor-sequence', '1.5'],
  ])('is refused with %s: %s', (header, value) => {
    const { subject, headers, payload } = encoded();
    headers.set(header, value);
    expect(() => decodeEvent(subject, headers, payload)).toThrow(EnvelopeError);
  });

  test('is refused without headers, and with a body that is no JSON', () => {
    const { subject, headers, payload } = encoded();
    expect(() => decodeEvent(subject, undefined, payload)).toThrow(EnvelopeError);
    expect(() => decodeEvent(subject, headers, '{')).toThrow(EnvelopeError);
  });
});
