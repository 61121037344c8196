import { expect, test } from 'vitest';
import { definitions } from '../manifest/crd.ts';
import { structural } from '../manifest/structural.ts';
import { InterfaceStatusSchema, statusLimits } from './status.ts';

const list = <T>(length: number, item: T): T[] => Array.from({ length }, () => item);

function status(extra: number): object {
  const peer = {
    publicKey: 'k'.repeat(44),
    endpoint: '[2001:db8::1]:51820',
    allowedIPs: list(statusLimits.allowedIPs + extra, '10.0.0.0/8'),
  };
  return {
    state: 'configured',
    netlink: {
      index: 1,
      mtu: 1420,
      flags: list(statusLimits.flags, 'UP'),
      operState: 'UP',
      addresses: list(statusLimits.addresses, '10.0.0.1/24'),
      netns: '4026531840',
    },
    wireguard: { listenPort: 51820, peers: [peer, ...list(statusLimits.peers - 1, { ...peer, allowedIPs: [] })] },
  };
}

test('a status may be as large as the largest object makes it, and no larger', () => {
  expect(InterfaceStatusSchema.safeParse(status(0)).success).toBe(true);
  expect(InterfaceStatusSchema.safeParse(status(1)).success).toBe(false);
  const endless = { ...status(0), hostname: 'h'.repeat(254) };
  expect(InterfaceStatusSchema.safeParse(endless).success).toBe(false);
});

test.each(['WireGuardInterface', 'NetlinkInterface'] as const)(
  'every list and text of the status of a %s is bounded',
  (kind) => {
    const open: string[] = [];
    const walk = (schema: unknown, path: string): void => {
      const {
        type,
        properties = {},
        items,
        maxItems,
        maxLength,
        enum: values,
        format,
      } = schema as Record<string, unknown>;
      if (type === 'array' && maxItems === undefined) open.push(path);
      if (type === 'string' && maxLength === undefined && values === undefined && format === undefined) open.push(path);
      for (const [name, inner] of Object.entries(properties as object)) walk(inner, `${path}.${name}`);
      if (items !== undefined) walk(items, `${path}[]`);
    };
    walk(structural(definitions[kind].status), 'status');
    expect(open).toEqual([]);
  },
);
