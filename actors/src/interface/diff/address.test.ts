import { expect, test } from 'vitest';
import { printAddress } from '@ifactor/crds/words';
import { fromCIDR, fromFields } from './address.ts';

test.each([
  [{ ipcidr: '10.2.3.1/24' }, '10.2.3.1/24'],
  [{ ipcidr: 'FD00:0:0::1/64' }, 'fd00::1/64'],
  [{ ipcidr: '10.99.3.1', peerCidr: '10.99.4.1/32' }, '10.99.3.1 -> 10.99.4.1/32'],
  [{ ipcidr: 'fe80::1', peerCidr: 'FE80::2/128' }, 'fe80::1 -> fe80::2/128'],
  // The kernel cannot tell a peer that is the address itself from none.
  [{ ipcidr: 'fe80::1', peerCidr: 'fe80:0::1/128' }, 'fe80::1/128'],
])('%o is the address %s', (entry, text) => {
  const read = fromCIDR(entry);
  expect(printAddress(read)).toBe(text);
  expect(read.family).toBe(text.includes(':') ? 'inet6' : 'inet');
  expect(read.noPrefixRoute).toBe(false);
  expect(fromCIDR(entry)).toBe(read);
});

test.each([
  [
    { family: 'inet', local: '10.4.0.1', peer: '10.4.0.2', prefixlen: 32, noPrefixRoute: true } as const,
    '10.4.0.1 -> 10.4.0.2/32 noprefixroute',
  ],
  [{ family: 'inet6', local: 'FE80::1', prefixlen: 64, noPrefixRoute: false } as const, 'fe80::1/64'],
])('%o is the address %s', (entry, text) => {
  const read = fromFields(entry);
  expect(printAddress(read)).toBe(text);
  expect(read.family).toBe(entry.family);
  expect(fromFields(entry)).toBe(read);
});
