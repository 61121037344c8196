import { agentSubject, consumerOf, desiredFilter, questionFilter, questionSubject, statusFilter } from './subject.ts';

/** Who connects to NATS. `page`: the inspector; `operator`: a person with `ifactor` and `nats`. */
export type Role = { role: 'bridge' | 'page' | 'operator' } | { role: 'node'; node: string };

/** The names on a server, where all may begin with a prefix. */
export type NatsNames = {
  readonly streams: { desired: string; events: string; status: string };
  readonly nodesBucket: string;
  readonly knownNodesBucket: string;
  /** A subject or filter of ours, as it is on the server. */
  readonly subject: (name: string) => string;
  readonly agentService: string;
};

/** What a NATS server lets a user do; `*` and `>` as in subjects. */
export type Permissions = {
  publish: string[];
  subscribe: string[];
  /** The user may answer requests that it received. */
  responses: boolean;
};

/**
 * What a role needs, and all that it may. A node reads only from its own consumer, which a bridge makes: a user that may create
 * a consumer can have it deliver to any subject, and a user that may read one message of a stream by its number can read all.
 * @throws SubjectError
 */
export function permissionsOf(who: Role, names: NatsNames): Permissions {
  switch (who.role) {
    case 'node':
      return ofNode(who.node, names);
    case 'bridge':
      return ofBridge(names);
    case 'page':
      return ofPage(names);
    case 'operator':
      return ofOperator(names);
  }
}

/**
 * Prefix of the reply subjects of a role, without the prefix of all names. No role can hear the replies to another: the usual
 * clients append one or two tokens to `_INBOX`, which is the operator's, and the prefixes of the others have three.
 */
export function inboxPrefixOf(who: Role): string {
  if (who.role === 'node') return `_INBOX.node.${consumerOf(who.node)}`;
  return who.role === 'operator' ? '_INBOX' : `_INBOX.role.${who.role}`;
}

function ofNode(node: string, { streams, nodesBucket, subject, agentService }: NatsNames): Permissions {
  const name = consumerOf(node);
  const entry = `$KV.${nodesBucket}.${node}`;
  const agent = subject(agentSubject(node));
  const events = subject(`ifactor.event.${name}.>`);
  const service = ['PING', 'INFO', 'STATS'].flatMap((verb) => [
    `$SRV.${verb}`,
    `$SRV.${verb}.${agentService}`,
    `$SRV.${verb}.${agentService}.*`,
  ]);
  return {
    publish: [
      events,
      subject(statusFilter(node)),
      entry,
      agent,
      subject(questionSubject(node, 'any').replace(/any$/, '*')),
      `$JS.API.CONSUMER.INFO.${streams.desired}.${name}`,
      `$JS.API.CONSUMER.MSG.NEXT.${streams.desired}.${name}`,
      `$JS.ACK.${streams.desired}.${name}.>`,
      `$JS.API.DIRECT.GET.KV_${nodesBucket}.${entry}`,
      `$JS.API.DIRECT.GET.${streams.events}.${events}`,
    ],
    subscribe: [`${subject(inboxPrefixOf({ role: 'node', node }))}.>`, agent, `${agent}.*`, ...service],
    responses: true,
  };
}

/** Reads and keeps all streams, publishes what is desired, and nothing in the name of a node. */
function ofBridge(names: NatsNames): Permissions {
  const { subject, knownNodesBucket } = names;
  return {
    publish: [subject(desiredFilter()), `$KV.${knownNodesBucket}.>`, ...keeping(names)],
    subscribe: [`${subject(inboxPrefixOf({ role: 'bridge' }))}.>`, subject(questionFilter)],
    responses: true,
  };
}

/** Reads what is desired, events and statuses. */
function ofPage({ streams, subject }: NatsNames): Permissions {
  return {
    publish: [streams.events, streams.status]
      .flatMap((stream) => [
        `$JS.API.STREAM.INFO.${stream}`,
        `$JS.API.CONSUMER.CREATE.${stream}`,
        `$JS.API.CONSUMER.CREATE.${stream}.>`,
        `$JS.API.CONSUMER.INFO.${stream}.*`,
        `$JS.API.CONSUMER.DELETE.${stream}.*`,
        `$JS.API.CONSUMER.MSG.NEXT.${stream}.*`,
      ])
      .concat(`$JS.API.DIRECT.GET.${streams.desired}`),
    subscribe: [`${subject(inboxPrefixOf({ role: 'page' }))}.>`],
    responses: false,
  };
}

/** Everything except what a bridge publishes for nodes, and what nodes hear. */
function ofOperator(names: NatsNames): Permissions {
  const { nodesBucket, knownNodesBucket, subject } = names;
  const entries = [`$KV.${nodesBucket}.>`, `$KV.${knownNodesBucket}.>`];
  return {
    publish: [subject('ifactor.agent.>'), subject('ifactor.event.>'), ...entries, '$SRV.>', ...keeping(names)],
    subscribe: [
      subject('_INBOX.*'),
      subject('_INBOX.*.*'),
      ...[desiredFilter(), statusFilter(), 'ifactor.event.>'].map(subject),
      ...entries,
      ...eachStream(names, '$JS.EVENT.ADVISORY.*.*.NAME', '$JS.EVENT.ADVISORY.*.*.NAME.>'),
    ],
    responses: false,
  };
}

/** Everything about our streams and their consumers. */
function keeping(names: NatsNames): string[] {
  return [
    '$JS.API.INFO',
    '$JS.API.STREAM.LIST',
    '$JS.API.STREAM.NAMES',
    ...eachStream(
      names,
      '$JS.API.STREAM.*.NAME',
      '$JS.API.STREAM.*.*.NAME',
      '$JS.API.DIRECT.GET.NAME',
      '$JS.API.DIRECT.GET.NAME.>',
      '$JS.API.CONSUMER.*.NAME',
      '$JS.API.CONSUMER.*.NAME.>',
      '$JS.API.CONSUMER.*.*.NAME.*',
      '$JS.ACK.NAME.>',
    ),
  ];
}

/** The patterns for each of our streams, with its name for NAME. */
function eachStream({ streams, nodesBucket, knownNodesBucket }: NatsNames, ...patterns: string[]): string[] {
  return [...Object.values(streams), `KV_${nodesBucket}`, `KV_${knownNodesBucket}`].flatMap((stream) =>
    patterns.map((pattern) => pattern.replace('NAME', stream)),
  );
}

/** A user's permissions in the format of nats-server's configuration, on several lines. */
export function spellPermissions({ publish, subscribe, responses }: Permissions, indent = ''): string {
  const list = (subjects: readonly string[]): string =>
    subjects.map((subject) => `\n${indent}    ${JSON.stringify(subject)}`).join('');
  return [
    '{',
    `${indent}  publish: { allow: [${list(publish)}`,
    `${indent}  ] }`,
    `${indent}  subscribe: { allow: [${list(subscribe)}`,
    `${indent}  ] }`,
    ...(responses ? [`${indent}  allow_responses: true`] : []),
    `${indent}}`,
  ].join('\n');
}
