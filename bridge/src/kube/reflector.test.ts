import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { json, startHttp } from '../testing/http.ts';
import type { Handler } from '../testing/http.ts';
import { until } from '@ifactor/common/testing';
import { createOutage } from '../view/outage.ts';
import { quiet, wireguard } from '../testing/objects.ts';
import type { Client } from './client.ts';
import { reflect } from './reflector.ts';
import { resourceOf } from './resource.ts';

const outage = createOutage(quiet, 'back');
const item = (name: string, resourceVersion: string) => wireguard(name, {}, { resourceVersion, uid: `uid-${name}` });
const line = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;

/** A server whose list is `items`, and whose watches stay open for the test to speak on. */
function scripted(items: () => { items: object[]; version: string }) {
  const watches: { from: string | null; response: ServerResponse }[] = [];
  const lists: URLSearchParams[] = [];
  const handler: Handler = (url, response) => {
    const { searchParams } = url;
    if (searchParams.get('watch') === 'true') {
      response.writeHead(200).flushHeaders();
      watches.push({ from: searchParams.get('resourceVersion'), response });
      return;
    }
    lists.push(searchParams);
    const all = items();
    const limit = Number(searchParams.get('limit'));
    const first = Number(searchParams.get('continue') ?? 0);
    const more = first + limit < all.items.length ? { continue: String(first + limit) } : {};
    json(response, {
      metadata: { resourceVersion: all.version, ...more },
      items: all.items.slice(first, first + limit),
    });
  };
  return { handler, watches, lists };
}

function start(client: Client, page?: number) {
  const stop = new AbortController();
  const seen: string[] = [];
  const reflector = reflect({
    client,
    resource: resourceOf('WireGuardInterface'),
    outage,
    signal: stop.signal,
    onChange: (key, object) =>
      seen.push(`${object === undefined ? '-' : '+'}${key}@${object?.metadata.resourceVersion ?? ''}`),
    ...(page !== undefined && { page }),
  });
  return {
    get: (key: string) => reflector.get(key),
    settled: reflector.settled,
    seen,
    async stop() {
      stop.abort();
      await reflector.stopped;
    },
  };
}

test('a list is read page by page, and watched from its version', async () => {
  const server = scripted(() => ({ items: ['a', 'b', 'c', 'd', 'e'].map((name) => item(name, '1')), version: '10' }));
  await using http = await startHttp(server.handler);
  const reflector = start(http.client, 2);
  await reflector.settled;
  expect(reflector.seen).toHaveLength(5);
  expect(server.lists.map((query) => query.get('continue'))).toEqual([null, '2', '4']);
  const watch = await until(() => server.watches[0]);
  expect(watch.from).toBe('10');
  watch.response.write(line('ADDED', item('f', '11')) + line('DELETED', item('a', '12')));
  await until(() => reflector.seen.length === 7);
  expect(reflector.seen.slice(5)).toEqual(['+default/f@11', '-default/a@']);
  await reflector.stop();
});

test('a watch that ends is begun again from the last version, bookmarks included', async () => {
  const server = scripted(() => ({ items: [], version: '10' }));
  await using http = await startHttp(server.handler);
  const reflector = start(http.client);
  const first = await until(() => server.watches[0]);
  first.response.end(line('BOOKMARK', { kind: 'X', metadata: { resourceVersion: '99' } }));
  expect((await until(() => server.watches[1])).from).toBe('99');
  // Cut in the middle of a line.
  server.watches[1]?.response.write('{"type":"ADD');
  server.watches[1]?.response.destroy();
  expect((await until(() => server.watches[2])).from).toBe('99');
  expect(server.lists).toHaveLength(1);
  await reflector.stop();
});

test.each([
  [
    'as an event in the watch',
    (response: ServerResponse) => response.end(line('ERROR', { kind: 'Status', code: 410, reason: 'Expired' })),
  ],
  ['as the answer to the watch', undefined],
])('a version too old, said %s, makes it list again and find what was deleted meanwhile', async (_how, refuse) => {
  let items = [item('a', '1'), item('b', '1')];
  const server = scripted(() => ({ items, version: '10' }));
  await using http = await startHttp(server.handler);
  const reflector = start(http.client);
  const watch = await until(() => server.watches[0]);
  items = [item('b', '1'), item('c', '5')];
  if (refuse !== undefined) refuse(watch.response);
  else {
    http.handle((url, response, request) => {
      if (url.searchParams.has('watch')) {
        json(response, { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' }, 410);
        http.handle(server.handler);
      } else server.handler(url, response, request);
    });
    watch.response.end();
  }
  await until(() => server.watches.length === 2);
  expect(reflector.seen).toEqual(['+default/a@1', '+default/b@1', '+default/c@5', '-default/a@']);
  await reflector.stop();
});

test('a server that goes away and comes back is found again', async () => {
  const server = scripted(() => ({ items: [item('a', '1')], version: '10' }));
  const http = await startHttp(server.handler);
  const reflector = start(http.client);
  await until(() => server.watches[0]);
  await http.stop();
  await using again = await startHttp(server.handler, http.port);
  const watch = await until(() => server.watches[1]);
  expect(watch.from).toBe('10');
  watch.response.write(line('MODIFIED', item('a', '11')));
  await until(() => reflector.seen.includes('+default/a@11'));
  await reflector.stop();
  expect(again.port).toBe(http.port);
});

test('a resource that may not be read settles, says so, and is asked for again', async () => {
  const server = scripted(() => ({ items: [item('a', '1')], version: '10' }));
  await using http = await startHttp((_url, response) =>
    json(response, { kind: 'Status', code: 403, reason: 'Forbidden', message: 'no' }, 403),
  );
  const stop = new AbortController();
  const reflector = reflect({
    client: http.client,
    resource: resourceOf('WireGuardInterface'),
    outage,
    signal: stop.signal,
    onChange: () => {},
  });
  await reflector.settled;
  expect(reflector.forbidden).toBe(true);
  http.handle(server.handler);
  await until(() => !reflector.forbidden && reflector.get('default/a'));
  stop.abort();
  await reflector.stopped;
});

test('an object deleted and made again between two looks is another object', async () => {
  const server = scripted(() => ({ items: [item('a', '1')], version: '10' }));
  await using http = await startHttp(server.handler);
  const reflector = start(http.client);
  const watch = await until(() => server.watches[0]);
  const { metadata, ...rest } = item('a', '1');
  watch.response.write(line('ADDED', { ...rest, metadata: { ...metadata, uid: 'other' } }));
  await until(() => reflector.seen.length === 2);
  expect(reflector.get('default/a')?.metadata.uid).toBe('other');
  await reflector.stop();
});
