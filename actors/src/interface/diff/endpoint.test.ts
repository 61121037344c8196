import { describe, expect, test } from 'vitest';
import { isDue, isStaleEndpoint, readEndpoint, remember, writtenEndpoint } from './endpoint.ts';
import type { Look, Remembered } from './endpoint.ts';

const quiet = 135_000;
const now = 10_000_000;
const written = '192.0.2.1:51820';
const other = '198.51.100.7:4000';
const third = '203.0.113.9:1';

test.each([
  ['192.0.2.1:51820', { host: '192.0.2.1', port: 51820, named: false }],
  ['[fd00::1]:1', { host: 'fd00::1', port: 1, named: false }],
  ['vpn.example:65535', { host: 'vpn.example', port: 65535, named: true }],
])('%s is read', (text, read) => expect(readEndpoint(text)).toEqual(read));

test.each([
  ['192.0.2.1:51820', undefined, '192.0.2.1:51820'],
  ['[FD00:0::1]:1', undefined, '[fd00::1]:1'],
  ['[fe80::1%eth0]:1', undefined, '[fe80::1%eth0]:1'],
  ['vpn.example:1', '192.0.2.5:1', '192.0.2.5:1'],
  ['vpn.example:1', undefined, null],
  // What a former name stood for says nothing of an address.
  ['192.0.2.1:51820', '192.0.2.5:1', '192.0.2.1:51820'],
])('%s was written as the kernel shows it', (endpoint, resolved, shown) =>
  expect(writtenEndpoint(endpoint, resolved)).toBe(shown),
);

describe('what is remembered of a peer', () => {
  const look: Look = { found: written, lastHandshakeTime: null, rxBytes: 10, txBytes: 20 };
  const first = remember(undefined, look, 1000);

  test('begins with the first look', () => {
    expect(first).toEqual({
      found: written,
      since: 1000,
      rxSince: 10,
      txSince: 20,
      rx: 10,
      edited: null,
      asked: 1000,
      named: null,
      moved: false,
    });
  });

  test('stays while the endpoint does, but for the count of bytes', () => {
    expect(remember(first, { ...look, rxBytes: 15, txBytes: 99 }, 2000)).toEqual({ ...first, rx: 15 });
  });

  test('begins again with another endpoint, and tells by the bytes who changed it', () => {
    const known: Remembered = { ...first, named: [written], moved: true };
    const anew = { found: other, since: 2000, asked: 1000, named: null, moved: false };
    expect(remember(known, { ...look, found: other }, 2000)).toEqual({
      ...anew,
      rxSince: 10,
      txSince: 20,
      rx: 10,
      edited: true,
    });
    expect(remember(known, { ...look, found: other, rxBytes: 11, txBytes: 21 }, 2000)).toEqual({
      ...anew,
      rxSince: 11,
      txSince: 21,
      rx: 11,
      edited: false,
    });
  });
});

describe("the spec's endpoint is written over the kernel's", () => {
  const long = now - quiet;
  const recently = now - quiet + 1;
  /** Seen for long, learned by roaming, never asked for by name. */
  const peer: Remembered = {
    found: other,
    since: long,
    rxSince: 10,
    txSince: 20,
    rx: 10,
    edited: false,
    asked: 0,
    named: null,
    moved: false,
  };
  const look: Look = { found: other, lastHandshakeTime: null, rxBytes: 10, txBytes: 20 };
  const stale = (more: Partial<Remembered>, seen: Partial<Look>, wrote: string | null = written) =>
    isStaleEndpoint({ ...peer, ...more }, { ...look, ...seen }, wrote, now, quiet);

  test('never without one, or if they are the same', () => {
    expect(stale({}, { found: null })).toBe(false);
    expect(stale({ edited: true, found: written }, { found: written })).toBe(false);
    expect(stale({ edited: true }, {}, null)).toBe(false);
  });

  test('when nobody ever shook hands by it, after a while', () => {
    expect(stale({}, {})).toBe(true);
    expect(stale({ since: recently }, {})).toBe(false);
  });

  test('never while handshakes come by it', () => {
    expect(stale({ edited: true }, { lastHandshakeTime: recently })).toBe(false);
    expect(stale({ edited: true, since: long - 9 }, { lastHandshakeTime: long })).toBe(false);
  });

  test('when somebody wrote it, and no handshake came since', () => {
    expect(stale({ edited: true }, { lastHandshakeTime: long - 1 })).toBe(true);
    expect(stale({ edited: true }, { lastHandshakeTime: long })).toBe(false);
  });

  test('when it roamed there and is spoken to in vain', () => {
    const before = { lastHandshakeTime: long - 1 };
    expect(stale({}, before)).toBe(false);
    expect(stale({}, { ...before, txBytes: 21 })).toBe(true);
    expect(stale({}, { ...before, txBytes: 21, rxBytes: 11 })).toBe(false);
    expect(stale({ edited: null }, { ...before, rxBytes: 11 })).toBe(false);
  });

  test('when its name stands for another address now, and no handshake comes by this one', () => {
    const named = [third];
    expect(stale({ named, since: now }, { lastHandshakeTime: long })).toBe(true);
    expect(stale({ named, since: now }, { lastHandshakeTime: recently })).toBe(false);
    expect(stale({ named, since: now }, {}, null)).toBe(true);
    // It still stands for what is used, or for what was written.
    expect(stale({ named: [third, other], since: now }, { lastHandshakeTime: long })).toBe(false);
    expect(stale({ named: [third, written], since: now }, { lastHandshakeTime: long })).toBe(false);
  });

  test('at once when the node moved, and the name stands for another address than the one written', () => {
    const moved = { named: [third], moved: true, found: written, since: now };
    expect(stale(moved, { found: written, lastHandshakeTime: recently })).toBe(true);
    expect(stale({ ...moved, moved: false }, { found: written, lastHandshakeTime: recently })).toBe(false);
    expect(stale({ ...moved, found: other }, { lastHandshakeTime: recently })).toBe(false);
  });
});

test('a name is asked for again after as long without handshake, change or question', () => {
  const peer: Remembered = {
    found: written,
    since: 1,
    rxSince: 0,
    txSince: 0,
    rx: 0,
    edited: null,
    asked: 2,
    named: null,
    moved: false,
  };
  const due = (at: number, more: Partial<Remembered> = {}, lastHandshakeTime: number | null = null) =>
    isDue({ ...peer, ...more }, { found: written, lastHandshakeTime, rxBytes: 0, txBytes: 0 }, at, quiet);
  expect(due(quiet + 2)).toBe(true);
  expect(due(quiet + 1)).toBe(false);
  expect(due(quiet + 2, { since: 3 })).toBe(false);
  expect(due(quiet + 2, {}, 3)).toBe(false);
  expect(due(quiet + 3, {}, 3)).toBe(true);
});
