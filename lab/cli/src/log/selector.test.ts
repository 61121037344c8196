import { describe, expect, test } from 'vitest';
import { changes } from '../replay/diff.ts';
import { parseObject, parseSelector, parseTime } from './selector.ts';

describe('a selector', () => {
  test.each([
    ['nl', { kind: 'netlinkinterface' }],
    ['NetlinkInterfaces', { kind: 'netlinkinterface' }],
    ['wgi/wg1', { kind: 'wireguardinterface', namespace: 'here', name: 'wg1' }],
    ['wgif/other/a.b', { kind: 'wireguardinterface', namespace: 'other', name: 'a.b' }],
  ])('%s is read as kubectl would', (text, expected) => {
    expect(parseSelector(text, 'here')).toEqual(expected);
  });

  test.each(['', 'pods', 'nl/', 'nl//x', 'nl/a/b/c'])('%j is refused, with the kinds that there are', (text) => {
    expect(() => parseSelector(text, 'here')).toThrow(/netlinkinterface \(nl, nli, nlif\)/);
  });

  test('of one object needs a name', () => {
    expect(() => parseObject('nl', 'here')).toThrow('name one object');
  });
});

describe('a time', () => {
  const now = Date.parse('2026-01-02T00:00:00Z');
  test.each([
    ['90s', '2026-01-01T23:58:30Z'],
    ['1.5h', '2026-01-01T22:30:00Z'],
    ['2d', '2025-12-31T00:00:00Z'],
    ['2026-11-23T03:12:00Z', '2026-11-23T03:12:00Z'],
  ])('%s', (text, expected) => {
    expect(parseTime(text, now)).toBe(Date.parse(expected));
  });

  test.each(['soon', '15', '2026', '-3m'])('%j is refused', (text) => {
    expect(() => parseTime(text, now)).toThrow('is no time');
  });
});

test('changes name each field that differs by its path', () => {
  const before = { a: { b: 1, c: [1, 2] }, d: null, e: 'same' };
  expect(changes(before, { a: { b: 2, c: [1, 2] }, d: { x: 1 }, e: 'same' })).toEqual([
    { path: 'a.b', before: 1, after: 2 },
    { path: 'd', before: null, after: { x: 1 } },
  ]);
  expect(changes(before, before)).toEqual([]);
});
