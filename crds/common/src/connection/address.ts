import { isIP } from 'node:net';
import { UsageError } from '../cli.ts';

/** Parsed list of NATS addresses. */
export type Servers = {
  /** `host:port` each, in the client's format. */
  addresses: string[];
  /** Names and IP addresses without brackets, for comparing with certificates. */
  hosts: string[];
  /** The addresses are `tls://`. */
  tls: boolean;
  /** Credentials in an address. */
  user?: string;
  password?: string;
};

/**
 * Parses `nats://host:port` or `tls://host:port`, several separated by commas; without a scheme it is `nats://`.
 * @throws UsageError, which contains no password
 */
export function parseServers(text: string): Servers {
  const all = text.split(',').map((part) => parse(part.trim()));
  const tls = all.some((one) => one.tls);
  if (tls && !all.every((one) => one.tls))
    throw new UsageError(`some NATS addresses are tls:// and others are not: ${hidePasswords(text)}`);
  const login = all.find(({ username }) => username !== '');
  if (all.some((one) => one.username !== '' && loginOf(one) !== loginOf(login)))
    throw new UsageError(`NATS addresses name several users: ${hidePasswords(text)}; one is used for all`);
  return {
    addresses: all.map(({ hostname, port }) => `${hostname}:${port}`),
    hosts: all.map(({ hostname }) => bareHost(hostname)),
    tls,
    ...(login && { user: login.username, password: login.password }),
  };
}

type Parts = { tls: boolean; hostname: string; port: string; username: string; password: string };

const loginOf = (parts: Parts | undefined): string => JSON.stringify([parts?.username, parts?.password]);

function parse(text: string): Parts {
  const [, scheme = 'nats', rest = text] = /^([a-z]+):\/\/(.*)$/i.exec(text) ?? [];
  const name = scheme.toLowerCase();
  // `URL` parses user, host and port only for schemes that it knows.
  const spelled = `http://${rest}`;
  if (!['nats', 'tls'].includes(name) || !URL.canParse(spelled))
    throw new UsageError(
      `${hidePasswords(text) || 'an empty text'} is not a NATS address: give nats://HOST:PORT or tls://HOST:PORT`,
    );
  const { hostname, port, username, password } = new URL(spelled);
  // `URL` omits the default port of http.
  const given = port === '' && /:80\/?$/.test(rest) ? '80' : port;
  return {
    tls: name === 'tls',
    hostname,
    port: given === '' ? '4222' : given,
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
  };
}

/** One or more addresses for display: without user and password. */
export function hidePasswords(text: string): string {
  return text.replaceAll(/(^|\/\/|,)[^@/,]*@/g, '$1');
}

/** The host of a URL for comparisons: an IPv6 address without its brackets. */
export const bareHost = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, '$1');

/** Whether the name of a host means this machine, so that nothing on the network can read the traffic. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith('127.');
  return host === '::1' || host === 'localhost' || host.endsWith('.localhost');
}
