import { isIPv6 } from 'node:net';
import { assert, ipV6, oneof, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalIp, canonicalNetwork, formatIp, ipBytes, masked, parseIp } from './ip.ts';

describe('IP addresses', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::1', '::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['fe80:0:0:0:0:0:00:1', 'fe80::1'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['1::', '1::'],
  ])('%s is %s', (given, canonical) => {
    expect(canonicalIp(given)).toBe(canonical);
  });

  it.each(['', '10.0.0', '10.0.0.256', '1::2::3', 'fe80::1%eth0', 'example.org', '1:2:3:4:5:6:7:8:9'])(
    '%j is no address',
    (given) => {
      expect(parseIp(given)).toBeUndefined();
      expect(() => canonicalIp(given)).toThrow(RangeError);
    },
  );

  it('reads back what it writes', () => {
    assert(
      property(
        oneof(uint8Array({ minLength: 4, maxLength: 4 }), uint8Array({ minLength: 16, maxLength: 16 })),
        (bytes) => {
          const text = formatIp(bytes);
          expect(isIPv6(text)).toBe(bytes.length === 16);
          expect([...ipBytes(text)]).toEqual([...bytes]);
        },
      ),
    );
  });

  it('writes every spelling of an address alike', () => {
    assert(
      property(ipV6(), (text) => {
        expect(canonicalIp(text)).toBe(canonicalIp(canonicalIp(text)));
      }),
    );
  });

  it.each([
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['10.1.2.3', '10.1.2.3/32'],
    ['2001:db8::1', '2001:db8::1/128'],
    ['::1/0', '::/0'],
    ['fe80::ffff/121', 'fe80::ff80/121'],
  ])('network %s is %s', (given, canonical) => {
    expect(canonicalNetwork(given)).toBe(canonical);
  });

  it.each(['10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/x', '/8'])('%s is no network', (given) => {
    expect(() => canonicalNetwork(given)).toThrow(RangeError);
  });

  it('masks', () => {
    expect([...masked(Buffer.from([255, 255, 255, 255]), 13)]).toEqual([255, 248, 0, 0]);
  });
});
