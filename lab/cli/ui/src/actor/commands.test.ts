import { expect, test } from 'vitest';
import { parseObject } from '../../../src/log/selector.ts';
import { commandsFor } from './commands.ts';

const key = { kind: 'wireguardinterface', namespace: 'default', name: 'wg.east' };

test('commands name the object as the command line reads it', () => {
  const texts = commandsFor(key, 'lax1', null).map(({ text }) => text);
  expect(texts).toContain('kubectl describe wgi -n default wg.east');
  const objects = texts.flatMap((text) => /^ifactor \w+ (\S+)/.exec(text)?.[1] ?? []);
  expect(objects).toHaveLength(3);
  for (const object of objects) expect(parseObject(object, 'other')).toEqual(key);
});

test('of the past they ask for the past; a subject has no dot within a name', () => {
  const texts = commandsFor(key, 'lax1', '2026-11-23T03:12:00Z').map(({ text }) => text);
  expect(texts).toContain('ifactor replay wgi/default/wg.east --at 2026-11-23T03:12:00Z');
  expect(texts).toContain("nats sub 'ifactor.event.lax1.wireguardinterface.default.wg_east.>'");
});
