import { describe, expect, test } from 'vitest';
import { isMark, markOf, nearMark, ownerIn } from './mark.ts';

const key = { kind: 'netlinkinterface', namespace: 'team-a', name: 'br0' };
const long = { ...key, name: 'n'.repeat(240) };

describe('the mark', () => {
  test('names the object, and the end of a veth', () => {
    expect(markOf(key)).toBe('ifactor:team-a/netlinkinterface/br0');
    expect(markOf(key, 'near')).toBe(markOf(key));
    expect(markOf(key, 'peer')).toBe('ifactor:team-a/netlinkinterface/br0#peer');
  });

  test('of a name that just fits is whole; of a longer one it ends in a digest of all of it', () => {
    const fixed = markOf({ ...key, name: '' }).length;
    const fits = { ...key, name: 'n'.repeat(250 - fixed) };
    expect(markOf(fits)).toBe(`ifactor:team-a/netlinkinterface/${fits.name}`);
    expect(markOf(fits, 'peer')).toHaveLength(255);
    expect(markOf(long)).toMatch(/^ifactor:team-a\/netlinkinterface\/n+~[0-9a-f]{16}$/);
    expect(markOf(long)).toHaveLength(250);
    expect(markOf(long)).not.toBe(markOf({ ...long, name: `${long.name}x` }));
    expect(markOf(long, 'peer')).toBe(`${markOf(long)}#peer`);
  });

  test('is told from what people write', () => {
    expect(isMark(markOf(key))).toBe(true);
    expect(isMark('uplink, see ifactor: no')).toBe(false);
    expect(isMark('')).toBe(false);
    expect(isMark(null)).toBe(false);
  });

  test('says whose the link is', () => {
    expect(ownerIn(markOf(key))).toBe('netlinkinterface team-a/br0');
    expect(ownerIn(markOf(key, 'peer'))).toBe('netlinkinterface team-a/br0');
    expect(ownerIn('ifactor:scrawled by hand')).toBe('ifactor:scrawled by hand');
  });

  test('of either end leads to that of the near one', () => {
    expect(nearMark(markOf(key, 'peer'))).toBe(markOf(key));
    expect(nearMark(markOf(key))).toBe(markOf(key));
    expect(nearMark('#peer to peer')).toBe('#peer to peer');
  });
});
