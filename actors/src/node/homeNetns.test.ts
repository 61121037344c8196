import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkHomeNetns } from './homeNetns.ts';

test('a home netns that does not exist, or is another file, is an error at start that says what to do', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ift-home-'));
  try {
    writeFileSync(join(folder, 'plain'), '');
    expect(() => checkHomeNetns('/run/netns/ift-nowhere')).toThrow(
      '/run/netns/ift-nowhere does not exist; make it by: ip netns add ift-nowhere',
    );
    expect(() => checkHomeNetns(join(folder, 'nothing'))).toThrow('correct --netns');
    expect(() => checkHomeNetns(join(folder, 'plain'))).toThrow('is not a network namespace');
    expect(() => checkHomeNetns('/proc/self/ns/net')).not.toThrow();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
