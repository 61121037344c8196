import { stripVTControlCharacters } from 'node:util';
import { someKey, someLives } from '@ifactor/actors/testing';
import type { RecordedEvent } from '@ifactor/crds';
import { expect, test } from 'vitest';
import { eventText } from './text.ts';

test('what a node says cannot command the terminal that shows it', () => {
  const [created] = someLives({ node: 'lax1', eventId: (sequence) => `lax1.j.${sequence}` }, [someKey('a')])
    .drop(3)
    .take(1);
  const nasty = '\u001b]0;x\u0007\u009b2J\r';
  const event = { ...created, state: nasty, data: { ...created?.data, name: nasty } } as RecordedEvent;
  // Colours are our own.
  const shown = stripVTControlCharacters(eventText(event));
  expect(shown).toContain('\\u001b]0;x\\u0007\\u009b2J\\u000d');
  expect(shown).not.toMatch(/\p{Cc}/u);
});
