import { checkServerIdentity } from 'node:tls';
import type { PeerCertificate } from 'node:tls';
import type { NodeConnectionOptions } from '@nats-io/transport-node';
import { UsageError } from '../cli.ts';
import { isLoopback } from './address.ts';
import type { Servers } from './address.ts';
import { readable } from './credentials.ts';
import type { NatsOptions } from './options.ts';

/**
 * TLS settings of a connection. Credentials are sent over plain text only to the loopback, and never to a server that
 * another server advertises.
 * @throws UsageError if they would have to be, or a file cannot be read
 */
export function protection(
  { ca, cert, key, tlsFirst = false }: NatsOptions,
  { tls, hosts }: Servers,
  credentials: boolean,
): NodeConnectionOptions {
  if ((cert === undefined) !== (key === undefined))
    throw new UsageError('a client certificate for NATS needs both: give --nats-cert and --nats-key');
  if (!tls && ca === undefined && cert === undefined && !tlsFirst) {
    const far = hosts.filter((host) => !isLoopback(host));
    if (!credentials) return {};
    if (far.length > 0)
      throw new UsageError(
        `credentials are not sent to ${far.join(', ')} over plain text: give tls://${far[0]}:PORT, ` +
          'and --nats-ca if an authority of your own signed the certificate of that server',
      );
    return { ignoreClusterUpdates: true };
  }
  for (const [what, path] of Object.entries({ 'CA file': ca, 'client certificate': cert, 'client key': key }))
    if (path !== undefined) readable(what, path);
  const files = {
    ...(ca !== undefined && { caFile: ca }),
    ...(cert !== undefined && { certFile: cert }),
    ...(key !== undefined && { keyFile: key }),
  };
  // The client would compare the certificate of an address without a name with `localhost`.
  const identity = { checkServerIdentity: (_: string, certificate: PeerCertificate) => strangeTo(hosts, certificate) };
  return { tls: { ...files, handshakeFirst: tlsFirst, ...identity } };
}

/** The error for a certificate that contains none of the hosts. */
function strangeTo(hosts: readonly string[], certificate: PeerCertificate): Error | undefined {
  const errors = hosts.map((host) => checkServerIdentity(host, certificate));
  return errors.includes(undefined) ? undefined : errors[0];
}

/** Errors of Node and the client for a failed TLS connection, by the beginning of code or message. */
const reasons: readonly (readonly [RegExp, (servers: string) => string])[] = [
  [
    /^(SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_(VERIFY|GET_ISSUER))/,
    (at) => `no known authority signed the certificate of ${at}; check --nats-ca`,
  ],
  [/^CERT_HAS_EXPIRED/, (at) => `the certificate of ${at} has expired`],
  [/^ERR_TLS_CERT_ALTNAME/, (at) => `the certificate of ${at} is for another host`],
  [/^server does not support 'tls'/, (at) => `${at} does not speak TLS; give nats:// for a server on this machine`],
  [
    /^(ERR_SSL_WRONG_VERSION|EPROTO|ERR_SSL_PACKET)/,
    (at) => `${at} does not begin with TLS; leave out --nats-tls-first`,
  ],
  [
    /^(timeout$|ERR_SSL_.*(CERTIFICATE|ALERT))/,
    (at) =>
      `${at} did not accept the TLS connection; if it wants a client certificate, give --nats-cert and --nats-key, if TLS comes first, --nats-tls-first`,
  ],
];

/** The error with advice in front, if TLS is the cause; `tls`: TLS was requested. */
export function withAdvice(error: unknown, servers: string, tls: boolean): unknown {
  const texts: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause)
    texts.push((at as NodeJS.ErrnoException).code ?? '', at.message);
  for (const [pattern, words] of reasons)
    if (texts.some((text) => pattern.test(text) && (tls || text !== 'timeout')))
      return new Error(words(servers), { cause: error });
  return error;
}
