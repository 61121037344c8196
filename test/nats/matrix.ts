/**
 * Who tries, in the order of the table's columns. What they try is about node lax1. `stranger` is the operator of another cluster on
 * the same server, which has another prefix.
 */
export const callers = ['lax1', 'lax2', 'bridge', 'page', 'operator', 'stranger', 'nobody'] as const;
export type Caller = (typeof callers)[number];

/** What is tried, in the order of the table's rows, and who may. All others are refused, and nothing happens. */
export const attempts = {
  'publish a desired state of lax1': ['bridge'],
  'hear the desired states': ['operator'],
  'publish a status of lax1': ['lax1'],
  'publish an event of lax1': ['lax1', 'operator'],
  'write the entry of lax1 (KV)': ['lax1', 'operator'],
  'write the record of lax1 (KV of known nodes)': ['bridge', 'operator'],
  'ask the agent of lax1 (pause)': ['operator'],
  'answer for the agent of lax1': ['lax1'],
  'ask a bridge in the name of lax1': ['lax1'],
  'answer for a bridge': ['bridge'],
  'read any event (`STREAM.MSG.GET`)': ['bridge', 'operator'],
  'read any event (`DIRECT.GET`)': ['bridge', 'operator'],
  'list subjects (`STREAM.INFO`)': ['bridge', 'page', 'operator'],
  'purge statuses (`STREAM.PURGE`)': ['bridge', 'operator'],
  'change a stream (`STREAM.UPDATE`)': ['bridge', 'operator'],
  'take from the consumer of lax1 (`MSG.NEXT`)': ['lax1', 'bridge', 'operator'],
  'look at the consumer of lax1 (`INFO`)': ['lax1', 'bridge', 'operator'],
  'delete the consumer of lax1': ['bridge', 'operator'],
  'create a consumer of events (`deliver_subject` of others)': ['bridge', 'page', 'operator'],
  'create a consumer of desired states': ['bridge', 'operator'],
  'hear what lax1 is answered (its inbox)': ['lax1'],
  'hear what the bridge is answered': ['bridge'],
  'hear what the operator is answered': ['operator'],
} as const satisfies Record<string, readonly Caller[]>;
export type Attempt = keyof typeof attempts;

export function may(caller: Caller, attempt: Attempt): boolean {
  const allowed: readonly Caller[] = attempts[attempt];
  return allowed.includes(caller);
}

const titles: Record<Caller, string> = {
  lax1: 'node lax1',
  lax2: 'node lax2',
  bridge: 'bridge',
  page: 'page',
  operator: 'operator',
  stranger: 'operator with another prefix',
  nobody: 'no credentials',
};

/** The table in test/README.md. */
export function matrixTable(): string {
  const rows = (Object.keys(attempts) as Attempt[]).map(
    (attempt) => `| ${attempt} | ${callers.map((caller) => (may(caller, attempt) ? 'may' : '·')).join(' | ')} |`,
  );
  const head = `| | ${callers.map((caller) => titles[caller]).join(' | ')} |`;
  return [head, `| --- |${' --- |'.repeat(callers.length)}`, ...rows].join('\n');
}
