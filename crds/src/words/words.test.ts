import { expect, test } from 'vitest';
import type { EventData, EventType, RecordedEvent } from '../message/event.ts';
import { eventWords, lostNetnsWords, missingSecretWords } from './index.ts';

const words = <T extends EventType>(type: T, data: EventData[T]): string => eventWords({ type, data } as RecordedEvent);

test('an event with a reason and parameters makes its sentence; one of an older agent shows the message it carries', () => {
  const params = { selector: { docker: { name: 'agent2' } } };
  expect(words('NetnsLost', { slot: 'peer', reason: 'ContainerGone', params })).toBe(
    'docker container agent2 has stopped or was removed: docker start agent2, or create it again',
  );
  expect(words('NetnsLost', { slot: 'peer', reason: 'ContainerGone', message: 'container "agent2" is gone' })).toBe(
    'container "agent2" is gone',
  );
  const secret = { namespace: 'default', name: 'keys', key: 'wg0' };
  expect(words('SecretMissing', { ref: 'privateKey', reason: 'KeyNotFound', params: { secret } })).toBe(
    'Secret default/keys has no key wg0, which is the private key: add it',
  );
  expect(words('SecretMissing', { ref: 'privateKey', reason: 'KeyNotFound', message: 'no such key' })).toBe(
    'no such key',
  );
});

test('an event that this version does not know, or that lacks what it should carry, shows its data', () => {
  const unknown = { type: 'LinkPainted', data: { color: 'red' } } as unknown as RecordedEvent;
  expect(eventWords(unknown)).toBe('{"color":"red"}');
  const constructed = { type: 'constructor', data: { color: 'red' } } as unknown as RecordedEvent;
  expect(eventWords(constructed)).toBe('{"color":"red"}');
  expect(eventWords({ type: 'DriftObserved', data: {} } as unknown as RecordedEvent)).toBe('{}');
});

test.each([
  ['NetnsNotFound', { selector: { netns: { name: 'a' } } }, 'netns a does not exist: ip netns add a'],
  ['NetnsNotFound', { selector: { netns: { path: '/x' } } }, 'netns file /x does not exist: mount a netns at /x'],
  ['NetnsNotFound', { selector: null, cause: 'EBUSY' }, "the node's netns cannot be opened (EBUSY); retrying"],
  ['NotANetns', { selector: { netns: { path: '/x' } }, path: '/x' }, '/x is a plain file, not a netns'],
  [
    'EngineUnreachable',
    { selector: { podman: { name: 'a' } }, path: '/run/p.sock', cause: 'ENOENT' },
    'podman does not answer on /run/p.sock (ENOENT); start it, or name its socket by --podman',
  ],
  ['ContainerGone', { selector: { docker: { name: 'a' } }, path: '/run/netns/b' }, 'was deleted: ip netns add b'],
  ['OfLater', { selector: null }, "the node's netns is not available (OfLater)"],
])('%s of %j', (reason, params, text) => {
  expect(lostNetnsWords(reason, params)).toContain(text);
});

test('what is not known of a secret is left out of the sentence', () => {
  expect(missingSecretWords('SecretNotFound', 'privateKey')).toBe(
    'the Secret of the private key not found: create it with the key, which is the private key',
  );
  expect(missingSecretWords('StateFolder', 'privateKey', { cause: 'disk full' })).toContain(': disk full');
});
