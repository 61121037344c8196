import { expect, test } from 'vitest';
import { json, startHttp } from '../testing/http.ts';
import { wireguard } from '../testing/objects.ts';
import { ApiError } from './error.ts';
import { converge } from './converge.ts';
import type { Wanted } from './converge.ts';
import { resourceOf } from './resource.ts';

const resource = resourceOf('WireGuardInterface');
const wanted = (name: string, mtu = 1420): Wanted => ({
  metadata: { name, namespace: 'default', labels: { planned: 'yes' }, ownerReferences: [] },
  spec: { node: 'lax1', interfaceName: name, mtu },
});
const live = (name: string, mtu = 1420, more: object = {}) =>
  wireguard(name, { mtu, ...more }, { labels: { planned: 'yes', other: 'x' } });

async function requests(
  refuse: (line: string) => boolean,
  work: (client: Parameters<typeof converge>[0]) => Promise<unknown>,
): Promise<string[]> {
  const seen: string[] = [];
  await using http = await startHttp((url, response, request) => {
    const line = `${request.method} ${url.pathname.split('/').slice(5).join('/')}`;
    seen.push(line);
    request.resume();
    if (refuse(line))
      json(response, { kind: 'Status', code: 403, reason: 'Forbidden', message: 'no more of these' }, 403);
    else json(response, {});
  });
  await work(http.api);
  return seen.toSorted((a, b) => (a < b ? -1 : 1));
}

test('makes what is missing, mends what differs, removes what is too much, touches nothing else', async () => {
  const owned = [
    live('same'),
    live('edited', 1300),
    live('added', 1420, { fwmark: 7 }),
    live('surplus'),
    wireguard('going', {}, { deletionTimestamp: 'x' }),
  ];
  const seen = await requests(
    () => false,
    async (client) => {
      const held = await converge(
        client,
        resource,
        ['same', 'edited', 'added', 'new', 'held'].map((name) => wanted(name)),
        owned,
        (key) => (key === 'default/held' ? live('held') : undefined),
      );
      expect(held).toEqual(['held']);
    },
  );
  expect(seen).toEqual([
    'DELETE default/wireguardinterfaces/surplus',
    'POST default/wireguardinterfaces',
    'PUT default/wireguardinterfaces/added',
    'PUT default/wireguardinterfaces/edited',
  ]);
});

test('one that is refused holds up no other, and is told', async () => {
  const seen = await requests(
    (line) => line.startsWith('POST'),
    async (client) => {
      const work = converge(client, resource, [wanted('new'), wanted('edited')], [live('edited', 1300)]);
      await expect(work).rejects.toThrow(ApiError);
      await expect(work).rejects.toThrow('no more of these');
    },
  );
  expect(seen).toEqual(['POST default/wireguardinterfaces', 'PUT default/wireguardinterfaces/edited']);
});
