import { startNats } from '@ifactor/common/testing';
import { ensureStreams, namesOf } from '@ifactor/common/nats';
import { formatStatusSubject } from '@ifactor/crds';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { expect, test } from 'vitest';
import { forgetNode } from './node.ts';

test('a node that is gone is forgotten with all it said; one that lives, or never was, is refused', async () => {
  await using nats = await startNats();
  const connection = await nats.connect();
  const kv = await ensureStreams(connection);
  const js = jetstream(connection);
  for (const node of ['lax1', 'lax2'])
    for (const name of ['br1', 'br2'])
      await js.publish(formatStatusSubject({ node, kind: 'netlinkinterface', namespace: 'default', name }), '{}');
  await kv.put('lax1', '{}');

  await expect(forgetNode(connection, 'lax1')).rejects.toThrow(/^node lax1 sent a heartbeat 0 s ago: stop its agent/);
  await expect(forgetNode(connection, 'lax3')).rejects.toThrow(/^no node lax3 is known/);
  await expect(forgetNode(connection, '>')).rejects.toThrow('node');
  expect(await forgetNode(connection, 'lax2')).toBe(2);
  const { state } = await (await jetstreamManager(connection)).streams.info('IFACTOR_STATUS', { subjects_filter: '>' });
  expect(Object.keys(state.subjects ?? {})).toEqual([
    'ifactor.status.lax1.netlinkinterface.default.br1',
    'ifactor.status.lax1.netlinkinterface.default.br2',
  ]);
});

test('a node whose entry expired is known by its record, and forgotten with it', async () => {
  await using nats = await startNats();
  const connection = await nats.connect();
  await ensureStreams(connection);
  const known = await new Kvm(connection).open(namesOf(connection).knownNodesBucket);
  await known.put('lax1', '{}');
  expect(await forgetNode(connection, 'lax1')).toBe(0);
  expect((await known.get('lax1'))?.operation).toBe('PURGE');
  await expect(forgetNode(connection, 'lax1')).rejects.toThrow(/^no node lax1 is known/);
});
