import { expect, test } from 'vitest';
import { worstOf } from './host.tsx';

test('a host seen from afar says what wants attention most, and how much of it there is', () => {
  expect(worstOf(['moved-to-netns', 'failed', 'drifted', 'failed'])).toBe('failed, 2');
  expect(worstOf(['configured', 'configured'])).toBe('configured, 2');
  expect(worstOf(['', 'not a state'])).toBe('empty');
});
