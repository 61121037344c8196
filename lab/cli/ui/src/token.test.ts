import { expect, test } from 'vitest';
import { takeToken } from './token.ts';

function fakeWindow(href: string): Parameters<typeof takeToken>[0] & { shown: string[] } {
  const kept = new Map<string, string>();
  const shown: string[] = [];
  return {
    shown,
    location: { href },
    history: {
      state: null,
      replaceState: (_state: unknown, _unused: string, url?: string | URL | null) => void shown.push(String(url)),
    },
    sessionStorage: { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => void kept.set(name, value) },
  };
}

test('the token leaves the address bar, the rest stays', () => {
  const window = fakeWindow('http://127.0.0.1:8080/?token=s3cret&x=1#actor=a');
  expect(takeToken(window)).toBe('s3cret');
  expect(window.shown).toEqual(['/?x=1#actor=a']);
});

test('a reload of the tab finds the token again', () => {
  const window = fakeWindow('http://127.0.0.1:8080/?token=s3cret');
  takeToken(window);
  window.location.href = 'http://127.0.0.1:8080/';
  expect(takeToken(window)).toBe('s3cret');
});

test('no token is no token', () => {
  expect(takeToken(fakeWindow('http://127.0.0.1:8080/'))).toBeNull();
});
