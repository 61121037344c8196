import { expect, test } from 'vitest';
import { hasAnswered } from './ping.ts';

const busybox = `PING ff02::1%vxlan1 (ff02::1%vxlan1): 56 data bytes
64 bytes from fe80::1: seq=0 ttl=64 time=0.102 ms
64 bytes from fe80::2: seq=0 ttl=64 time=1.112 ms (DUP!)`;
const iputils = `PING ff02::1%vxlan1(ff02::1%vxlan1) 56 data bytes
64 bytes from fe80::1%vxlan1: icmp_seq=1 ttl=64 time=0.050 ms
64 bytes from fe80::2%vxlan1: icmp_seq=1 ttl=64 time=1.04 ms`;

test.each([busybox, iputils])('who answered is read from what ping prints', (output) => {
  expect(hasAnswered(output, 'fe80::1')).toBe(true);
  expect(hasAnswered(output, 'fe80::2')).toBe(true);
  expect(hasAnswered(output, 'fe80::3')).toBe(false);
  // A prefix of an address is another address.
  expect(hasAnswered(output.replaceAll('fe80::1', 'fe80::1771'), 'fe80::1')).toBe(false);
});

test('an unreachable address is no answer', () => {
  expect(hasAnswered('From 10.4.0.1 icmp_seq=1 Destination Host Unreachable', '10.4.0.1')).toBe(false);
  expect(hasAnswered('64 bytes from 10.4.0.2: icmp_seq=1 ttl=64 time=0.7 ms', '10.4.0.2')).toBe(true);
});
