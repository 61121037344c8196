import type { IncomingMessage, ServerResponse } from 'node:http';
import { timestampSeconds } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import { isRecord, list, part, text } from '@ifactor/common/json';
import type { Json } from '@ifactor/common/json';
import { readBody } from './body.ts';
import { apply } from '../object/managers.ts';
import { readMetadata } from '../object/metadata.ts';
import type { ObjectService, ObjectWriteOptions } from '../object/objects.ts';
import { patched } from '../object/patch.ts';
import { servedApiVersion } from '../schema/resource.ts';
import type { ServedResource } from '../schema/resource.ts';
import { fieldTest, labelTest } from '../storage/selector.ts';
import type { Test } from '../storage/selector.ts';
import { ApiRefusal, badRequest, notFound, notServed } from '../status.ts';
import { objectKey } from '../storage/store.ts';
import { partial, tableOf } from './table.ts';
import { watch } from './watch.ts';

/** A request to a resource, its path taken apart. */
export type RequestTarget = {
  resource: ServedResource;
  namespace: string;
  allNamespaces: boolean;
  name: string;
  subresource: string;
};

/** Timeout of a watch that sets none. */
const watchSeconds = 1800;

/** The form in which a client wants objects: plain, as a table, or metadata only. */
function shape(
  { accept, query }: HttpRequest,
  resource: ServedResource,
  clock: Clock,
): { table: boolean; one: (object: Json) => Json } {
  const first = accept.split(',').find((type) => type.includes('application/json')) ?? '';
  if (first.includes('as=Table') && first.includes('g=meta.k8s.io')) {
    return {
      table: true,
      one: (object) =>
        tableOf(
          resource,
          [object],
          { resourceVersion: part(object, 'metadata')['resourceVersion'] },
          clock.now(),
          query.get('includeObject') ?? undefined,
        ),
    };
  }
  if (first.includes('as=PartialObjectMetadata')) return { table: false, one: partial };
  return { table: false, one: (object) => object };
}

function testOf(resource: ServedResource, query: URLSearchParams): Test {
  const [labels, fields] = [
    labelTest(query.get('labelSelector') ?? ''),
    fieldTest(query.get('fieldSelector') ?? '', resource.selectable),
  ];
  return (object) => labels(object) && fields(object);
}

export type HttpRequest = {
  method: string;
  query: URLSearchParams;
  accept: string;
  contentType: string;
  agent: string;
  body: Buffer;
  message: IncomingMessage;
};
export type HttpAnswer = { code: number; body: unknown };

/** Handles one request on a resource. Null if the response was already sent as a stream. */
export function handle(
  objects: ObjectService,
  target: RequestTarget,
  request: HttpRequest,
  response: ServerResponse,
): HttpAnswer | null {
  const { resource, namespace, name, subresource } = target;
  const { method, query } = request;
  if (subresource !== '' && !(subresource === 'status' && resource.status))
    throw notServed(`${resource.plural}/${subresource}`);
  const view = shape(request, resource, objects.clock);
  const options = writeOptions(target, request, response, objects.clock);
  const ok = (object: Json, code = 200): HttpAnswer => ({ code, body: view.one(object) });
  if (name === '') {
    switch (method) {
      case 'GET':
        return query.get('watch') === 'true' || query.get('watch') === '1'
          ? openWatch(objects, target, request, response, view.one)
          : listAll(objects, target, request, view.table);
      case 'POST':
        return ok(objects.create(resource, namespace, bodyObject(request, resource), options), 201);
      case 'DELETE':
        for (const object of objects.store
          .list(resource, target.allNamespaces ? undefined : namespace)
          .filter(testOf(resource, query)))
          objects.delete(resource, object, options);
        return { code: 200, body: success() };
    }
    throw notServed(`${method} on a list of ${resource.plural}`, 405);
  }
  switch (method) {
    case 'GET': {
      const watched = query.get('watch') === 'true';
      if (watched) query.set('fieldSelector', `metadata.name=${name}`);
      return watched
        ? openWatch(objects, target, request, response, view.one)
        : ok(objects.need(resource, namespace, name));
    }
    case 'PUT': {
      const sent = bodyObject(request, resource);
      const before = objects.need(resource, namespace, name);
      if (resource.custom && !part(sent, 'metadata')['resourceVersion']) {
        throw new ApiRefusal(
          422,
          'Invalid',
          `${resource.plural}.${resource.group} "${name}" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update`,
        );
      }
      return ok(objects.update(resource, before, sent, options));
    }
    case 'PATCH':
      return patch(objects, target, request, options, ok);
    case 'DELETE': {
      const deleteOptions = bodyObjectOrNone(request);
      const dryRun = options.dryRun || list(deleteOptions['dryRun']).includes('All');
      const { object, gone } = objects.delete(
        resource,
        objects.need(resource, namespace, name),
        { dryRun },
        part(deleteOptions, 'preconditions'),
      );
      return gone
        ? {
            code: 200,
            body: success({ name, group: resource.group, kind: resource.plural, uid: part(object, 'metadata')['uid'] }),
          }
        : ok(object);
    }
  }
  throw notServed(`${method} on ${resource.plural}`, 405);
}

function patch(
  objects: ObjectService,
  { resource, namespace, name, subresource }: RequestTarget,
  request: HttpRequest,
  options: ObjectWriteOptions,
  ok: (object: Json, code?: number) => HttpAnswer,
): HttpAnswer {
  const type = request.contentType.split(';')[0]?.trim() ?? '';
  const before = objects.store.get(resource, namespace, name);
  const sent = readBody(type, request.body);
  if (type !== 'application/apply-patch+yaml') {
    if (!before) throw notFound(resource, name);
    return ok(objects.update(resource, before, patched(resource, type, before, sent), options));
  }
  if (!isRecord(sent)) throw badRequest('an apply needs an object');
  if (!request.query.get('fieldManager'))
    throw badRequest(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    );
  checkType(sent, resource);
  const { managedFields: _, ...metadata } = readMetadata(resource, sent);
  const applied = { ...sent, metadata: { ...metadata, name, ...(resource.namespaced ? { namespace } : {}) } };
  const force = request.query.get('force') === 'true';
  if (!before) {
    if (subresource !== '') throw notFound(resource, name);
    return ok(
      objects.create(resource, namespace, apply(resource, undefined, applied, options.writer, force), {
        ...options,
        managed: true,
      }),
      201,
    );
  }
  return ok(
    objects.update(resource, before, apply(resource, before, applied, options.writer, force), {
      ...options,
      managed: true,
    }),
  );
}

function listAll(
  objects: ObjectService,
  { resource, namespace, allNamespaces }: RequestTarget,
  { query }: HttpRequest,
  table: boolean,
): HttpAnswer {
  const all = objects.store.list(resource, allNamespaces ? undefined : namespace).filter(testOf(resource, query));
  const limit = Number(query.get('limit') ?? 0);
  const token = query.get('continue');
  const { revision, after } = token ? readToken(token) : { revision: objects.store.revision, after: '' };
  const rest = all.filter((object) => objectKey(object) > after);
  const page = limit > 0 ? rest.slice(0, limit) : rest;
  const last = page.at(-1);
  const remaining = rest.length - page.length;
  const next =
    last && remaining > 0
      ? { continue: writeToken({ revision, after: objectKey(last) }), remainingItemCount: remaining }
      : {};
  // Every page has the revision of the first page, so that a watch from it includes changes to pages read before.
  const metadata = { resourceVersion: String(revision), ...next };
  const body = table
    ? tableOf(resource, page, metadata, objects.clock.now(), query.get('includeObject') ?? undefined)
    : { kind: `${resource.kind}List`, apiVersion: servedApiVersion(resource), metadata, items: page };
  return { code: 200, body };
}

/** Where a list continues: after a key, so that objects added or removed meanwhile do not shift others between pages. */
type Token = { revision: number; after: string };

const writeToken = (token: Token): string => Buffer.from(JSON.stringify(token)).toString('base64url');

function readToken(sent: string): Token {
  const token = ((): unknown => {
    try {
      return JSON.parse(Buffer.from(sent, 'base64url').toString());
    } catch {
      return null;
    }
  })();
  const { revision, after } = isRecord(token) ? token : {};
  if (typeof revision !== 'number' || typeof after !== 'string') throw badRequest('continue key is not valid');
  return { revision, after };
}

function openWatch(
  objects: ObjectService,
  target: RequestTarget,
  { query }: HttpRequest,
  response: ServerResponse,
  show: (object: Json) => Json,
): null {
  watch(
    objects,
    target.resource,
    {
      namespace: target.allNamespaces ? undefined : target.namespace,
      test: testOf(target.resource, query),
      show,
      resourceVersion: query.get('resourceVersion') ?? '',
      bookmarks: query.get('allowWatchBookmarks') === 'true',
      initialEvents: query.get('sendInitialEvents') === 'true',
      timeoutSeconds: Number(query.get('timeoutSeconds')) || watchSeconds,
    },
    response,
  );
  return null;
}

/** Of all warnings together, as in a real API server. */
const warningCharacters = 4096;

function writeOptions(
  { subresource }: RequestTarget,
  { query, agent }: HttpRequest,
  response: ServerResponse,
  clock: Clock,
): ObjectWriteOptions {
  let left = warningCharacters;
  const validation = query.get('fieldValidation');
  return {
    writer: {
      manager: query.get('fieldManager') || agent.split('/')[0] || 'unknown',
      subresource,
      time: timestampSeconds(clock),
    },
    dryRun: query.getAll('dryRun').includes('All'),
    fieldValidation: validation === 'Strict' || validation === 'Ignore' ? validation : 'Warn',
    warn(message) {
      const value = `299 - ${headerText(message)}`;
      left -= value.length;
      if (left >= 0) response.appendHeader('warning', value);
    },
  };
}

/** A quoted string that a header may hold: ASCII, the rest escaped as in JSON. */
const headerText = (words: string): string =>
  JSON.stringify(words).replaceAll(/[^\x20-\x7e]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Built-in kinds may omit apiVersion and kind, as the path implies them; custom resources must set both. */
function checkType(sent: Json, resource: ServedResource): void {
  const { apiVersion, kind } = sent;
  const fits = (said: unknown, served: string): boolean =>
    said === served || (!resource.custom && (said === undefined || said === null || said === ''));
  if (fits(apiVersion, servedApiVersion(resource)) && fits(kind, resource.kind)) return;
  throw badRequest(
    `the API version in the data (${text(apiVersion)}, Kind=${text(kind)}) does not match the expected API version (${servedApiVersion(resource)}, Kind=${resource.kind})`,
  );
}

function bodyObject(request: HttpRequest, resource: ServedResource): Json {
  const sent = readBody(request.contentType, request.body);
  if (!isRecord(sent)) throw badRequest('the body is not an object');
  checkType(sent, resource);
  return sent;
}

function bodyObjectOrNone(request: HttpRequest): Json {
  const sent = readBody(request.contentType, request.body);
  return isRecord(sent) ? sent : {};
}

const success = (details?: Json): Json => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  ...(details ? { details } : {}),
});
