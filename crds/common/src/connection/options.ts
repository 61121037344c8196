import { namesFor } from '../names.ts';

/** How to reach NATS. Absent fields are taken from the environment, as `natsFlags` says. */
export type NatsOptions = {
  /** `nats://host:port`, or `tls://host:port` for TLS; several separated by commas. */
  servers: string;
  /** Shown in the server's connection list. */
  name: string;
  /** Path of a credentials file. */
  creds?: string | undefined;
  /** Path of a file that holds the seed of an nkey. */
  nkey?: string | undefined;
  user?: string | undefined;
  password?: string | undefined;
  token?: string | undefined;
  /** Path of the CA certificates, PEM; default: those of the system. Enables TLS. */
  ca?: string | undefined;
  /** Paths of a client certificate and its key, PEM. */
  cert?: string | undefined;
  key?: string | undefined;
  /** The server expects the TLS handshake before it sends anything. */
  tlsFirst?: boolean | undefined;
  /** Prefix of all names in NATS, so that several clusters can share one; absent: none. */
  prefix?: string | undefined;
  /** Connection timeout; default: 20 000. */
  timeoutMs?: number;
  /** Prefix of the reply subjects, without `prefix`; a server may allow a user no others. NATS_INBOX_PREFIX is used as it is. */
  inboxPrefix?: string | undefined;
};

const fromEnvironment = {
  '--nats-nkey <file>': ['NATS_NKEY', 'file with the seed of an nkey that NATS knows'],
  '--nats-ca <file>': [
    'NATS_CA',
    "certificates of the authorities that sign the server's, PEM (default: the system's); asks for TLS",
  ],
  '--nats-cert <file>': ['NATS_CERT', 'client certificate for NATS, PEM'],
  '--nats-key <file>': ['NATS_KEY', 'key of the client certificate, PEM'],
  '--prefix <name>': ['IFACTOR_PREFIX', 'prefix of all names in NATS, so that several clusters can share one'],
  '--nats-tls-first': ['NATS_TLS_FIRST', 'TLS handshake before anything else, for servers with handshake_first'],
} as const;

/** Flags that all programs have beside `--nats`, with their help. `connectOnce` reads absent ones from the environment. */
export const natsFlags: readonly (readonly [flag: string, description: string])[] = Object.entries(fromEnvironment).map(
  ([flag, [env, description]]) => [flag, `${description} (env: ${env})`],
);

/** Values of the flags, by the names that commander gives them. */
export type NatsFlags = {
  natsNkey?: string;
  natsCa?: string;
  natsCert?: string;
  natsKey?: string;
  natsTlsFirst?: true;
  prefix?: string;
};

/** The options of the flags; absent ones are left to the environment. */
export function natsFlagOptions(flags: NatsFlags): Partial<NatsOptions> {
  const { natsNkey, natsCa, natsCert, natsKey, natsTlsFirst, prefix } = flags;
  return {
    ...(natsNkey !== undefined && { nkey: natsNkey }),
    ...(natsCa !== undefined && { ca: natsCa }),
    ...(natsCert !== undefined && { cert: natsCert }),
    ...(natsKey !== undefined && { key: natsKey }),
    ...(natsTlsFirst !== undefined && { tlsFirst: natsTlsFirst }),
    ...(prefix !== undefined && { prefix }),
  };
}

/** The options, completed from the environment; if any credentials are set, all those of the environment are ignored. */
export function withEnvironment(options: NatsOptions, env: NodeJS.ProcessEnv = process.env): NatsOptions {
  const { creds, nkey, user, token } = options;
  const given = [creds, nkey, user, token].some((one) => one !== undefined);
  const filled = (name: string): string | undefined => env[name] || undefined;
  const prefix = options.prefix ?? filled('IFACTOR_PREFIX');
  const inbox = options.inboxPrefix ?? (prefix === undefined ? undefined : '_INBOX');
  return {
    ...(!given && {
      creds: filled('NATS_CREDS'),
      nkey: filled('NATS_NKEY'),
      user: env['NATS_USER'],
      password: env['NATS_PASSWORD'],
      token: filled('NATS_TOKEN'),
    }),
    ca: filled('NATS_CA'),
    cert: filled('NATS_CERT'),
    key: filled('NATS_KEY'),
    tlsFirst: isYes(env['NATS_TLS_FIRST'] ?? ''),
    ...options,
    prefix,
    inboxPrefix:
      (options.inboxPrefix === undefined ? filled('NATS_INBOX_PREFIX') : undefined) ??
      (inbox === undefined ? undefined : namesFor(prefix).subject(inbox)),
  };
}

const isYes = (text: string): boolean => /^(1|true|yes)$/i.test(text);
