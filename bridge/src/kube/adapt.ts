import { resolve } from 'node:path';
import { isRecord } from '@ifactor/common/json';
import type { Json } from '@ifactor/common/json';

/**
 * A kubeconfig as client-node understands it. Of what kubectl takes it lacks: `tokenFile`, for which it has a provider of that name
 * that reads the file again; contexts without a user, for which it would not even check the server's certificate by the given
 * authority; plain HTTP, which it speaks only where certificates are not to be checked.
 * @param folder that paths in it start from
 */
export function adapt(kubeconfig: unknown, folder: string): Json {
  const document = isRecord(kubeconfig) ? kubeconfig : {};
  const [clusters, contexts, users] = ['clusters', 'contexts', 'users'].map((name) => recordsIn(document[name]));
  const known = new Set(users?.map(({ name }) => name));
  const named = contexts?.map((one) => ({ ...one, context: withUser(one['context']) })) ?? [];
  const missing = [...new Set(named.map(({ context }) => context['user']))].filter((name) => !known.has(name));
  return {
    ...document,
    clusters: clusters?.map((one) => ({ ...one, cluster: reachable(one['cluster']) })),
    contexts: named,
    users: [
      ...(users ?? []).map((one) => ({ ...one, user: readingTokens(one['user'], folder) })),
      ...missing.map((name) => ({ name, user: {} })),
    ],
  };
}

const recordsIn = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isRecord) : []);

const withUser = (context: unknown): Json => {
  const known = isRecord(context) ? context : {};
  return { ...known, user: known['user'] ?? 'nobody' };
};

const reachable = (cluster: unknown): Json => {
  const known = isRecord(cluster) ? cluster : {};
  const plain = String(known['server']).startsWith('http:');
  return plain ? { ...known, 'insecure-skip-tls-verify': true } : known;
};

function readingTokens(user: unknown, folder: string): Json {
  const { tokenFile, ...rest } = isRecord(user) ? user : {};
  const known: Json = 'username' in rest ? { password: '', ...rest } : rest;
  // As in kubectl, a file takes precedence over an inline token.
  if (typeof tokenFile !== 'string') return known;
  const { token: _, ...others } = known;
  return { ...others, 'auth-provider': { name: 'tokenFile', config: { tokenFile: resolve(folder, tokenFile) } } };
}
