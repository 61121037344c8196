import { expect, test } from 'vitest';
import { actionOf, shortcuts } from './shortcuts.ts';

const press = (key: string, over: object = {}): Parameters<typeof actionOf>[0] => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  defaultPrevented: false,
  target: { tagName: 'BODY' },
  ...over,
});

test('no key means two things', () => {
  const keys = shortcuts.flatMap((one) => one.keys);
  expect(new Set(keys).size).toBe(keys.length);
});

test("a key acts on the page, not in a field, a dialog, or with the browser's modifiers", () => {
  expect(actionOf(press('l'))).toBe('live');
  expect(actionOf(press('l', { target: { tagName: 'INPUT' } }))).toBeNull();
  expect(actionOf(press('l', { target: { tagName: 'BUTTON', closest: () => ({}) } }))).toBeNull();
  expect(actionOf(press('l', { ctrlKey: true }))).toBeNull();
  expect(actionOf(press('x'))).toBeNull();
});
