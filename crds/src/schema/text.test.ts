import { isIP } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { patterns } from './text.ts';

describe('patterns', () => {
  const ip = new RegExp(patterns.ip);
  const mangled = fc
    .tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(40), fc.constantFrom('', ':', '::', '.', '0', 'f', 'g', '256', '/'))
    .map(([text, at, piece]) => text.slice(0, at) + piece + text.slice(at + 1));

  test('take an IP address exactly where Node does', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), mangled), (text) => {
        expect(ip.test(text)).toBe(isIP(text) > 0);
      }),
      { numRuns: 5000 },
    );
    for (const text of [
      '::',
      '::1',
      '1::',
      '::ffff:192.0.2.1',
      '1:2:3:4:5:6:7::',
      '1:2:3:4:5:6:192.0.2.1',
      '::2:3:4:5:6:7:8',
    ]) {
      expect(ip.test(text)).toBe(true);
    }
    for (const text of ['', ':', ':::', '1::2::3', '1:2:3:4:5:6:7:8:9', '01.2.3.4', 'fe80::1%eth0', '192.0.2.1\n']) {
      expect(ip.test(text)).toBe(false);
    }
  });

  test('take any 32 bytes in base64 as a key, and no other length', () => {
    const key = new RegExp(patterns.key);
    const bytes = fc.oneof(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(bytes, (raw) => {
        expect(key.test(Buffer.from(raw).toString('base64'))).toBe(raw.length === 32);
      }),
    );
  });
});
