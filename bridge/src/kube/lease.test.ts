import { systemClock } from '@ifactor/common';
import { expect, test } from 'vitest';
import { json, notFound, startHttp } from '../testing/http.ts';
import type { Handler } from '../testing/http.ts';
import { until } from '@ifactor/common/testing';
import { createOutage } from '../view/outage.ts';
import { quiet } from '../testing/objects.ts';
import { fence, NotLeadingError } from './fence.ts';
import { holdLease } from './lease.ts';
import type { KubeObject } from './object.ts';
import type { KubeApi } from './port.ts';
import { resources } from './resource.ts';

/** The part of an API server that a Lease needs: one object, optimistic concurrency. */
function leases(): { handler: Handler; current(): KubeObject | undefined; reachable(yes: boolean): void } {
  let lease: KubeObject | undefined;
  let version = 0;
  let up = true;
  const handler: Handler = (_url, response, request) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const given = body === '' ? undefined : (JSON.parse(body) as KubeObject);
      const conflict =
        request.method === 'POST'
          ? lease !== undefined
          : given?.metadata.resourceVersion !== lease?.metadata.resourceVersion;
      if (!up) response.destroy();
      else if (request.method === 'GET') {
        if (lease === undefined) notFound(response);
        else json(response, lease);
      } else if (given === undefined || conflict) json(response, { kind: 'Status', reason: 'Conflict' }, 409);
      else {
        lease = { ...given, metadata: { ...given.metadata, uid: 'lease', resourceVersion: String(++version) } };
        json(response, lease);
      }
    });
  };
  return { handler, current: () => lease, reachable: (yes) => (up = yes) };
}

function contender(api: KubeApi, identity: string, clock = systemClock) {
  const stop = new AbortController();
  const log: string[] = [];
  const lease = holdLease({
    api,
    lease: { namespace: 'default', name: 'ifactor-bridge', identity, seconds: 1 },
    outage: createOutage(quiet, 'back'),
    clock,
    signal: stop.signal,
    handlers: {
      onLead: () => void log.push('lead'),
      onLost: () => void log.push('lost'),
      onStandBy: (holder) => void log.push(`after ${holder}`),
    },
  });
  return {
    ...lease,
    log,
    async leave() {
      stop.abort();
      await lease.release();
    },
  };
}

test('one leads; when it leaves, the other leads within a moment', async () => {
  const server = leases();
  await using http = await startHttp(server.handler);
  const a = contender(http.api, 'a');
  await until(() => a.holds());
  const b = contender(http.api, 'b');
  await until(() => b.log.includes('after a'));
  await a.leave();
  expect(a.holds()).toBe(false);
  await until(() => b.holds());
  expect(server.current()?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 2 });
  await b.leave();
  expect(server.current()?.spec).not.toHaveProperty('holderIdentity');
});

test('never two at once: one that cannot renew stops before another may begin', async () => {
  const server = leases();
  await using http = await startHttp(server.handler);
  const a = contender(http.api, 'a');
  await until(() => a.holds());
  server.reachable(false);
  await until(() => a.log.includes('lost'));
  expect(a.holds()).toBe(false);
  server.reachable(true);
  const b = contender(http.api, 'b');
  let both = false;
  const watch = setInterval(() => (both ||= a.holds() && b.holds()), 1);
  await until(() => a.holds() || b.holds());
  await until(() => a.log.length > 2 || b.log.length > 0);
  clearInterval(watch);
  expect(both).toBe(false);
  await Promise.all([a.leave(), b.leave()]);
});

test.each(['monotonic', 'now'] as const)(
  'a process that was stopped knows that its lease may be lost before it does anything else (%s)',
  async (reading) => {
    const server = leases();
    await using http = await startHttp(server.handler);
    let stoppedMs = 0;
    const clock = { ...systemClock, [reading]: () => systemClock[reading]() + stoppedMs };
    const a = contender(http.api, 'a', clock);
    await until(() => a.holds());
    // No code of the bridge runs between these two lines.
    stoppedMs = 700;
    expect(a.holds()).toBe(false);
    await until(() => a.holds(), 'the renewal');
    await a.leave();
  },
);

test('who does not lead writes nothing', async () => {
  await using http = await startHttp((_url, response) => json(response, {}));
  let leads = true;
  const api = fence(http.api, () => leads);
  const write = (): Promise<unknown> => api.merge(resources.secrets, { namespace: 'default', name: 'x' }, {});
  await write();
  leads = false;
  await expect(write()).rejects.toThrow(NotLeadingError);
  await expect(api.delete(resources.secrets, { namespace: 'default', name: 'x', uid: 'u' })).rejects.toThrow(
    NotLeadingError,
  );
  await expect(api.list(resources.secrets, { limit: 1 })).rejects.not.toThrow(NotLeadingError);
});
