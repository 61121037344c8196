import { readFileSync } from 'node:fs';
import { credsAuthenticator, nkeyAuthenticator } from '@nats-io/transport-node';
import type { NodeConnectionOptions } from '@nats-io/transport-node';
import { UsageError } from '../cli.ts';
import type { Servers } from './address.ts';
import type { NatsOptions } from './options.ts';

/**
 * Authentication of a connection: the first of credentials file, nkey, user and token that is set. Files are read
 * again at each reconnect, so that renewed ones are used.
 * @returns nothing if no credentials are set
 * @throws UsageError if a file cannot be read
 */
export function authentication(
  { creds, nkey, user, password, token }: NatsOptions,
  servers: Pick<Servers, 'user' | 'password'>,
): NodeConnectionOptions {
  if (creds !== undefined) {
    readable('credentials', creds);
    return { authenticator: credsAuthenticator(() => readFileSync(creds)) };
  }
  if (nkey !== undefined) {
    readable('nkey', nkey);
    return { authenticator: nkeyAuthenticator(() => new TextEncoder().encode(readFileSync(nkey, 'utf8').trim())) };
  }
  if (user !== undefined) return { user, ...(password !== undefined && { pass: password }) };
  if (servers.user !== undefined)
    return { user: servers.user, ...(servers.password !== undefined && { pass: servers.password }) };
  return token === undefined ? {} : { token };
}

/** @throws UsageError */
export function readable(what: string, path: string): void {
  try {
    readFileSync(path);
  } catch (cause) {
    throw new UsageError(`cannot read the NATS ${what} ${path}`, { cause });
  }
}
