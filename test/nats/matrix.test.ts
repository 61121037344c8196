import { connectOnce } from '@ifactor/common/nats';
import { until } from '@ifactor/common/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fill, openScene, strangerTo, tries } from './attempt.ts';
import type { Scene } from './attempt.ts';
import { attempts, callers, may } from './matrix.ts';
import type { Attempt, Caller } from './matrix.ts';
import type { Member } from './server.ts';
import { violationsOf } from './violations.ts';

/* Each cell of the table in test/README.md, against a real server: what is forbidden is refused, and nothing happens. */

let scene: Scene;

describe.each([undefined, 'east'])('with prefix %s', (prefix) => {
  beforeAll(async () => {
    scene = await openScene(prefix);
  });
  afterAll(() => scene.server[Symbol.asyncDispose]());

  const memberOf = (caller: Exclude<Caller, 'nobody'>): Member => {
    if (caller === 'lax1' || caller === 'lax2') return { role: 'node', node: caller, prefix };
    return caller === 'stranger' ? strangerTo(prefix) : { role: caller, prefix };
  };

  describe.each(callers.filter((caller) => caller !== 'nobody'))('%s', (caller) => {
    test.each(Object.keys(attempts) as Attempt[])('%s', async (attempt) => {
      const { admin, server } = scene;
      await fill(admin);
      const connection = await server.connect(memberOf(caller));
      const refused = violationsOf(connection);
      const happened = await tries[attempt](connection, scene);
      expect(happened, 'it had the effect').toBe(may(caller, attempt));
      if (!may(caller, attempt)) await until(() => refused.length > 0, 'the server to refuse it');
      else expect(refused).toEqual([]);
      await connection.close();
    });
  });

  test('without credentials, or with wrong ones, nobody connects', async () => {
    const servers = scene.server.nats.url;
    await expect(connectOnce({ servers, name: 'nobody' })).rejects.toThrow(/authorization violation/i);
    const wrong = connectOnce({ servers, name: 'nobody', user: 'lax1', password: 'of lax2' });
    await expect(wrong).rejects.toThrow(/authorization violation/i);
  });

  test('nobody can have desired states delivered as desired states of another node', async () => {
    const { manager, names } = scene;
    const forged = {
      name: 'forger',
      deliver_subject: names.subject('ifactor.desired.lax2.netlinkinterface.default.a'),
    };
    await expect(manager.consumers.add(names.streams.desired, forged)).rejects.toThrow('cycle');
  });
});
