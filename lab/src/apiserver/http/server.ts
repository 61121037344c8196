import { timingSafeEqual } from 'node:crypto';
import { systemClock, systemRandom, timestampSeconds } from '@ifactor/common';
import type { Clock, Random } from '@ifactor/common';
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeCertificate } from './certificate.ts';
import type { Certificate } from './certificate.ts';
import {
  aggregated,
  apiGroup,
  apiGroups,
  apiResources,
  apiVersions,
  reviews,
  version,
} from '../discovery/discovery.ts';
import { readAll, readBody } from './body.ts';
import { handle } from './handler.ts';
import type { HttpRequest, RequestTarget } from './handler.ts';
import { part } from '@ifactor/common/json';
import type { Json } from '@ifactor/common/json';
import { ObjectService, storedDefinition } from '../object/objects.ts';
import type { ObjectWriteOptions } from '../object/objects.ts';
import { openApiIndex, openApiOf } from '../discovery/openapi.ts';
import { builtins, crds, namespaces, servedResourceOf } from '../schema/resource.ts';
import type { ServedResource } from '../schema/resource.ts';
import { ApiRefusal, badRequest, notServed } from '../status.ts';
import { VersionedStore } from '../storage/store.ts';

export type ApiServerOptions = {
  /** CustomResourceDefinitions, as in crds/manifests/*.yaml. */
  definitions: readonly Json[];
  token: string;
  /** Absent: a new one. */
  certificate?: Certificate;
  /** Loopback only; 0: any free one. */
  port?: number;
  /** Folder to keep objects in; absent: in memory. */
  dataDir?: string;
  report?: (error: unknown) => void;
  /** Absent: the machine's time and chance. */
  runtime?: { readonly clock: Clock; readonly random: Random };
};

export type ApiServer = {
  url: string;
  port: number;
  token: string;
  /** PEM of the certificate, which is its own authority. */
  authority: string;
  close(): Promise<void>;
};

const sendJson = (response: ServerResponse, code: number, body: unknown, type = 'application/json'): void => {
  response.writeHead(code, { 'content-type': type, 'cache-control': 'no-cache, private' });
  response.end(JSON.stringify(body));
};

/** Starts the lab's API server on the loopback interface. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { definitions, token, port = 0, dataDir, report = () => undefined } = options;
  const { clock, random } = options.runtime ?? { clock: systemClock, random: systemRandom };
  const { key, cert } = options.certificate ?? (await makeCertificate(clock));
  const store = new VersionedStore(dataDir);
  const resources = [...builtins, ...definitions.map(servedResourceOf)];
  const objects = new ObjectService(store, resources, clock, random);
  for (const name of ['default', 'kube-system']) {
    if (!store.get(namespaces, '', name)) objects.create(namespaces, '', { metadata: { name } }, bootstrap(clock));
  }
  for (const definition of definitions) installDefinition(store, definition, timestampSeconds(clock));

  const server = createServer({ key, cert }, (message, response) => {
    // The client disconnected during the response: `close` follows.
    response.on('error', () => undefined);
    serve(objects, resources, token, message, response).catch((error: unknown) => {
      if (!(error instanceof ApiRefusal)) report(error);
      const refusal =
        error instanceof ApiRefusal
          ? error
          : new ApiRefusal(500, 'InternalError', "Internal error occurred: see the log of the lab's API server");
      if (response.headersSent) response.end();
      else sendJson(response, refusal.code, refusal.status);
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `https://127.0.0.1:${bound}`,
    port: bound,
    token,
    authority: cert,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          store.close();
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

const bootstrap = (clock: Clock): ObjectWriteOptions => ({
  writer: { manager: 'ifactor-lab', subresource: '', time: timestampSeconds(clock) },
  dryRun: false,
  fieldValidation: 'Ignore',
  warn: () => undefined,
});

/** Stores a served CRD as an object, in the server's version. */
function installDefinition(store: VersionedStore, definition: Json, time: string): void {
  const name = String(part(definition, 'metadata')['name']);
  const before = store.get(crds, '', name);
  const fresh = storedDefinition(definition, time);
  if (before && JSON.stringify(before['spec']) === JSON.stringify(fresh['spec'])) return;
  const kept = before
    ? part(before, 'metadata')
    : {
        uid: `00000000-0000-4000-8000-${Buffer.from(name).toString('hex').slice(0, 12)}`,
        creationTimestamp: time,
        generation: 1,
      };
  store.put(crds, { ...fresh, metadata: { ...part(definition, 'metadata'), ...kept, name } });
}

async function serve(
  objects: ObjectService,
  resources: readonly ServedResource[],
  token: string,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { query, path } = readUrl(message.url ?? '/');
  checkHost(message);
  if (['healthz', 'livez', 'readyz'].includes(path[0] ?? '')) {
    response.end('ok');
    return;
  }
  checkToken(message, token);
  const accept = message.headers.accept ?? '';
  if (message.method === 'GET' && discover(resources, path, accept, response)) return;
  const body = await readAll(message);
  const contentType = message.headers['content-type'] ?? '';
  const review = reviewAt(path);
  if (review !== undefined && message.method === 'POST') {
    sendJson(response, 201, answerReview(review, readBody(contentType, body) as Json));
    return;
  }
  const target = targetOf(resources, path);
  if (!target) throw notServed(`/${path.join('/')}`);
  const request: HttpRequest = {
    method: message.method ?? 'GET',
    query,
    accept,
    contentType,
    agent: message.headers['user-agent'] ?? '',
    body,
    message,
  };
  const answer = handle(objects, target, request, response);
  if (answer) sendJson(response, answer.code, answer.body);
}

/** @throws ApiRefusal 400 where the address of a request is malformed */
function readUrl(text: string): { query: URLSearchParams; path: string[] } {
  try {
    const { searchParams, pathname } = new URL(`https://127.0.0.1${text}`);
    const steps = pathname.split('/').filter((step) => step !== '');
    return { query: searchParams, path: steps.map(decodeURIComponent) };
  } catch {
    throw badRequest('the path of the request is malformed');
  }
}

/** A page of another origin reaches a loopback server under another Host: it is refused. */
function checkHost({ headers }: IncomingMessage): void {
  const host = (headers.host ?? '').replace(/:\d+$/, '');
  if (!['127.0.0.1', 'localhost', '[::1]'].includes(host))
    throw new ApiRefusal(421, 'BadRequest', 'this server answers on the loopback interface only');
}

function checkToken({ headers }: IncomingMessage, token: string): void {
  const given = Buffer.from(headers.authorization?.replace(/^Bearer /, '') ?? '');
  const wanted = Buffer.from(token);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
    throw new ApiRefusal(401, 'Unauthorized', 'Unauthorized');
}

/** What clients ask of a server before they ask for objects. True where that was it. */
function discover(
  resources: readonly ServedResource[],
  path: string[],
  accept: string,
  response: ServerResponse,
): boolean {
  const [root = '', a, b, ...rest] = path;
  const send = (body: Json | null): boolean => {
    if (!body) return false;
    sendJson(response, 200, body);
    return true;
  };
  // kubectl before 1.30 supports only v2beta1 and falls back to unaggregated discovery.
  const newest = accept.includes('as=APIGroupDiscoveryList') && accept.includes('v=v2;');
  if (path.length === 0) return send({ paths: ['/api', '/apis', '/openapi/v3', '/version', '/readyz'] });
  if (root === 'version') return send(version);
  if ((root === 'api' || root === 'apis') && a === undefined) {
    if (!newest) return send(root === 'api' ? apiVersions() : apiGroups(resources));
    sendJson(
      response,
      200,
      aggregated(resources, root === 'api'),
      'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
    );
    return true;
  }
  if (root === 'api' && a !== undefined && b === undefined) return send(apiResources(resources, a));
  if (root === 'apis' && a !== undefined && b === undefined) return send(apiGroup(resources, a));
  if (root === 'apis' && a !== undefined && b !== undefined && rest.length === 0)
    return send(apiResources(resources, `${a}/${b}`));
  if (root === 'openapi' && a === 'v3') {
    if (b === undefined) return send(openApiIndex(resources));
    return send(openApiOf(resources, b === 'api' ? rest.join('/') : rest.join('/')));
  }
  return false;
}

/** `/api/v1/…` or `/apis/G/V/…`, then `[namespaces/NS/]PLURAL[/NAME[/SUBRESOURCE]]`. */
function targetOf(resources: readonly ServedResource[], path: string[]): RequestTarget | null {
  const [group, version_, rest] = path[0] === 'api' ? ['', path[1], path.slice(2)] : [path[1], path[2], path.slice(3)];
  if (path[0] !== 'api' && path[0] !== 'apis') return null;
  const find = (plural: string | undefined): ServedResource | undefined =>
    resources.find(
      (resource) => resource.group === group && resource.version === version_ && resource.plural === plural,
    );
  if (rest[0] === 'namespaces' && rest.length >= 3) {
    const resource = find(rest[2]);
    if (resource?.namespaced)
      return {
        resource,
        namespace: rest[1] ?? '',
        allNamespaces: false,
        name: rest[3] ?? '',
        subresource: rest[4] ?? '',
      };
    if (rest.length > 3 || resource) return null;
  }
  const resource = find(rest[0]);
  if (!resource || (resource.namespaced && rest.length > 1)) return null;
  return { resource, namespace: '', allNamespaces: true, name: rest[1] ?? '', subresource: rest[2] ?? '' };
}

const reviewAt = (path: string[]): (typeof reviews)[number] | undefined =>
  reviews.find(({ group, version: one, plural }) => path.join('/') === `apis/${group}/${one}/${plural}`);

/** Whoever has the token may do everything. */
function answerReview({ kind, group, version: one }: (typeof reviews)[number], sent: Json): Json {
  const status: Json = {
    SelfSubjectAccessReview: { allowed: true, reason: 'the lab allows everything to whoever has its token' },
    SelfSubjectRulesReview: {
      resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
      nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
      incomplete: false,
    },
    SelfSubjectReview: { userInfo: { username: 'lab', groups: ['system:masters', 'system:authenticated'] } },
  }[kind];
  return { ...sent, kind, apiVersion: `${group}/${one}`, status };
}
