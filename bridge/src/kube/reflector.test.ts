import type { ServerResponse } from 'node:http';
import { systemClock, systemRandom } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import { expect, test } from 'vitest';
import { json, startHttp } from '../testing/http.ts';
import type { Handler } from '../testing/http.ts';
import { until } from '@ifactor/common/testing';
import { createOutage } from '../view/outage.ts';
import { quiet, wireguard } from '../testing/objects.ts';
import type { KubeApi } from './port.ts';
import { reflect } from './reflector.ts';
import { resourceOf } from './resource.ts';

/** Waits are a hundred times shorter. */
const clock: Clock = { ...systemClock, after: (ms, ...rest) => systemClock.after(ms / 100, ...rest) };
const outage = createOutage(quiet, 'back');
const item = (name: string, resourceVersion: string) => wireguard(name, {}, { resourceVersion, uid: `uid-${name}` });
const line = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;

/** A server whose list is `items`, and whose watches stay open so that the test can send on them. */
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
    if (Number.isNaN(first)) return json(response, { kind: 'Status', code: 410, reason: 'Expired' }, 410);
    const more = first + limit < all.items.length ? { continue: String(first + limit) } : {};
    json(response, {
      metadata: { resourceVersion: all.version, ...more },
      items: all.items.slice(first, first + limit),
    });
  };
  return { handler, watches, lists };
}

function start(api: KubeApi, pageSize?: number) {
  const stop = new AbortController();
  const seen: string[] = [];
  const context = {
    api,
    outage,
    signal: stop.signal,
    clock,
    random: systemRandom,
    ...(pageSize !== undefined && { pageSize }),
  };
  const reflector = reflect(context, resourceOf('WireGuardInterface'), {
    changed: ({ key, object, removal }) =>
      seen.push(
        `${removal === undefined ? '+' : `${removal} `}${key}${object ? `@${object.metadata.resourceVersion}` : ''}`,
      ),
    completed: () => seen.push('complete'),
  });
  return {
    reflector,
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
  const reflector = start(http.api, 2);
  await reflector.settled;
  expect(reflector.seen).toHaveLength(6);
  expect(server.lists.map((query) => query.get('continue'))).toEqual([null, '2', '4']);
  const watch = await until(() => server.watches[0]);
  expect(watch.from).toBe('10');
  watch.response.write(line('ADDED', item('f', '11')) + line('DELETED', item('a', '12')));
  await until(() => reflector.seen.length === 8);
  expect(reflector.seen.slice(5)).toEqual(['complete', '+default/f@11', 'deleted default/a']);
  await reflector.stop();
});

test('a watch that ends is begun again from the last version, bookmarks included', async () => {
  const server = scripted(() => ({ items: [], version: '10' }));
  await using http = await startHttp(server.handler);
  const reflector = start(http.api);
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
  const reflector = start(http.api);
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
  expect(reflector.seen).toEqual(['+default/a@1', '+default/b@1', 'complete', '+default/c@5', 'unlisted default/a']);
  await reflector.stop();
});

test('a server that goes away and comes back is found again', async () => {
  const server = scripted(() => ({ items: [item('a', '1')], version: '10' }));
  const http = await startHttp(server.handler);
  const reflector = start(http.api);
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
  const started = start(http.api);
  const { reflector } = started;
  await reflector.settled;
  expect(reflector.forbidden).toBe(true);
  http.handle(server.handler);
  await until(() => !reflector.forbidden && reflector.get('default/a'));
  await started.stop();
});

test('an object deleted and made again between two looks is another object', async () => {
  const server = scripted(() => ({ items: [item('a', '1')], version: '10' }));
  await using http = await startHttp(server.handler);
  const reflector = start(http.api);
  const watch = await until(() => server.watches[0]);
  const { metadata, ...rest } = item('a', '1');
  watch.response.write(line('ADDED', { ...rest, metadata: { ...metadata, uid: 'other' } }));
  await until(() => reflector.seen.length === 3);
  expect(reflector.reflector.get('default/a')?.metadata.uid).toBe('other');
  await reflector.stop();
});

const refusals: Record<string, Handler> = {
  401: (_url, response) => json(response, { kind: 'Status', code: 401, reason: 'Unauthorized' }, 401),
  403: (_url, response) => json(response, { kind: 'Status', code: 403, reason: 'Forbidden' }, 403),
  404: (_url, response) => void response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found'),
  500: (_url, response) => json(response, { kind: 'Status', code: 500, reason: 'InternalError' }, 500),
  'an empty body': (_url, response) => void response.writeHead(200).end(),
  'an empty object': (_url, response) => json(response, {}),
  'a list without items': (_url, response) => json(response, { metadata: { resourceVersion: '20' } }),
  'items that are null': (_url, response) => json(response, { metadata: { resourceVersion: '20' }, items: null }),
  'a list without a version': (_url, response) => json(response, { metadata: {}, items: [] }),
  'items without a uid': (_url, response) =>
    json(response, { metadata: { resourceVersion: '20' }, items: [{ metadata: { name: 'a', resourceVersion: '1' } }] }),
  'a body that stops half-way': (_url, response) =>
    void response.writeHead(200).end('{"metadata":{"resourceVersion":"20"},"items":[{"metadata":{"na'),
  'a page that stops half-way': (url, response) =>
    url.searchParams.has('continue')
      ? json(response, { kind: 'Status', code: 500, reason: 'InternalError' }, 500)
      : json(response, { metadata: { resourceVersion: '20', continue: 'more' }, items: [] }),
};

test.each(Object.keys(refusals))('%s proves no absence: what was known stays, at start and later', async (what) => {
  const refuse = refusals[what]!;
  const server = scripted(() => ({ items: [item('a', '1')], version: '10' }));
  const answer: Handler = (url, response, request) =>
    url.searchParams.has('watch')
      ? json(response, { kind: 'Status', code: 410, reason: 'Expired' }, 410)
      : refuse(url, response, request);

  let asked = 0;
  const counted: Handler = (...args) => {
    asked++;
    answer(...args);
  };
  await using http = await startHttp(counted);
  const fresh = start(http.api);
  await until(() => asked > 2);
  expect(fresh.seen).toEqual([]);
  expect(fresh.reflector.incomplete).toMatch(/^wireguardinterfaces /);
  http.handle(server.handler);
  await until(() => server.watches.length === 1);
  expect(fresh.seen).toEqual(['+default/a@1', 'complete']);
  expect(fresh.reflector.incomplete).toBeUndefined();

  asked = 0;
  http.handle(counted);
  server.watches[0]?.response.end();
  await until(() => asked > 3);
  expect(fresh.seen).toEqual(['+default/a@1', 'complete']);
  expect(fresh.reflector.get('default/a')).toBeDefined();
  http.handle(server.handler);
  await until(() => server.watches.length === 2 && fresh.reflector.incomplete === undefined);
  expect(fresh.seen.filter((seen) => seen.startsWith('unlisted'))).toEqual([]);
  await fresh.stop();
});
