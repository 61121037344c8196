import type {
  ActorDetail,
  ActorInfo,
  Asks,
  ChainRow,
  EventRow,
  Field,
  Filter,
  Moment,
  Topology,
} from '@ifactor/cli/inspector';
import type { EventType, State } from '@ifactor/crds';

/*
 * A made-up log of any size, answered as the server does, so that the page can be measured and looked at without a lab:
 * hosts with two containers each, tunnels from host to host, and events that go through a few states.
 */

export type Story = {
  topology: Topology;
  moment: (at: number | null) => Moment;
  answer: <A extends keyof Asks>(ask: A, request: Asks[A]['request']) => Asks[A]['answer'];
};

const start = Date.parse('2026-11-23T09:00:00Z');
const timeOf = (position: number): string => new Date(start + position * 730).toISOString();

/** What an actor goes through, again and again. */
const scene: readonly { type: EventType; state: State; words: string }[] = [
  { type: 'SpecChanged', state: 'creating', words: 'generation 1' },
  { type: 'LinkCreated', state: 'creating', words: 'wg0 slot=home index=12' },
  { type: 'WireGuardChanged', state: 'creating', words: 'wg0 listenPort=51820' },
  { type: 'PeerChanged', state: 'creating', words: 'wg0 publicKey=kbnC… endpoint=10.77.0.2:51820' },
  { type: 'LinkMoved', state: 'moved-to-netns', words: 'wg0 home → agent1' },
  { type: 'DriftObserved', state: 'drifted', words: 'link: wanted wg0, found nothing' },
  { type: 'LinkCreated', state: 'drifted', words: 'wg0 slot=home index=14' },
  { type: 'LinkMoved', state: 'moved-to-netns', words: 'wg0 home → agent1' },
  { type: 'OperationFailed', state: 'failed', words: 'SetPeer the endpoint vpn.example.net has no address' },
  { type: 'TimerElapsed', state: 'pending', words: 'retry' },
  { type: 'LinkObserved', state: 'moved-to-netns', words: '' },
];

const types = ['wireguard', 'wireguard', 'bridge', 'vxlan', 'veth'] as const;

const matches = ({ actor, states, text }: Filter, row: EventRow): boolean =>
  (actor === undefined || row.actor === actor) &&
  (states === undefined || states.includes(row.state)) &&
  (text === undefined || `${row.type} ${row.words} ${row.actor}`.toLowerCase().includes(text.toLowerCase()));

const field = (name: string, desired: string, observed: string | null): Field => ({
  name,
  desired,
  observed,
  differs: observed !== desired,
});

/** @param hosts how many; @param links tunnels between them; @param length events */
export function tell({ hosts, links, length }: { hosts: number; links: number; length: number }): Story {
  const columns = Math.ceil(Math.sqrt(hosts));
  const nodes = Array.from({ length: hosts }, (_, n) => ({
    name: `node${n + 1}`,
    x: (n % columns) * 480,
    y: Math.floor(n / columns) * 300,
    width: 360,
    height: 216,
  }));
  const containers = nodes.flatMap(({ name }) =>
    ['agent1', 'agent2'].map((container, n) => ({
      id: `${name} ${container}`,
      node: name,
      name: container,
      x: 12 + n * 172,
      y: 34,
      width: 164,
      height: 132,
    })),
  );
  const actors = nodes.flatMap(({ name }) =>
    types.map((type, n) => {
      const kind = type === 'wireguard' ? 'wireguardinterface' : 'netlinkinterface';
      const title = `${type === 'wireguard' ? 'wg' : type}${n}`;
      const container = n === 4 ? null : n % 2 === 0 ? 'agent1' : 'agent2';
      const place = container === null ? { x: 20, y: 176 } : { x: 10, y: 30 + Math.floor(n / 2) * 44 };
      const info: ActorInfo = {
        id: `${name} ${kind}/default/${title}`,
        node: name,
        key: { kind, namespace: 'default', name: title },
        interfaceName: title,
        type,
        container,
      };
      return { ...info, ...place, width: 144, height: 32 };
    }),
  );
  const tunnels = Array.from({ length: links }, (_, n) => {
    const near = n % hosts;
    const far = (near + 1 + ((Math.floor(n / hosts) * 7) % Math.max(1, hosts - 1))) % hosts;
    return {
      id: `tunnel${n}`,
      kind: 'tunnel' as const,
      from: actors[near * 5 + (n % 2)]!.id,
      to: actors[far * 5 + ((n + 1) % 2)]!.id,
    };
  });
  const topology: Topology = {
    nodes,
    containers,
    actors,
    links: [
      ...tunnels,
      ...nodes.map(({ name }, n) => ({
        id: `joint ${name}`,
        kind: 'slave' as const,
        from: actors[n * 5 + 2]!.id,
        to: actors[n * 5]!.id,
      })),
    ],
  };

  const rowAt = (position: number): EventRow => {
    const actor = actors[(position - 1) % actors.length]!;
    const step = Math.floor((position - 1) / actors.length);
    const { type, state, words } = scene[(step + ((position - 1) % actors.length) * 3) % scene.length]!;
    return {
      position,
      id: `${actor.node}.j.${position}`,
      actor: actor.id,
      sequence: position,
      time: timeOf(position),
      type,
      state,
      words,
    };
  };
  const all = (filter: Filter, to = length): EventRow[] =>
    Array.from({ length: to }, (_, n) => rowAt(n + 1)).filter((row) => matches(filter, row));

  const moment = (at: number | null): Moment => {
    const end = at ?? length;
    const states: Record<string, State> = {};
    for (let position = Math.max(1, end - actors.length + 1); position <= end; position++) {
      const row = rowAt(position);
      states[row.actor] = row.state;
    }
    const ages = [4, 61, 118, 260, null];
    const handshakes = Object.fromEntries(
      tunnels.flatMap(({ id }, n) => {
        const age = ages[n % ages.length];
        return age === null || age === undefined ? [] : [[id, new Date(Date.now() - age * 1000).toISOString()]];
      }),
    );
    return { at, total: length, time: end === 0 ? null : timeOf(end), states, handshakes };
  };

  const detail = (id: string, at: number | null): ActorDetail => {
    const info = actors.find((actor) => actor.id === id);
    if (info === undefined) throw new Error(`the log knows no ${id}`);
    const rows = all({ actor: id }, at ?? length);
    const state = rows.at(-1)?.state ?? 'pending';
    const ways = rows
      .map((row, n) => ({ from: rows[n - 1]?.state ?? 'pending', to: row.state }))
      .filter(({ from, to }) => from !== to);
    const well = state === 'moved-to-netns';
    return {
      ...info,
      at,
      state,
      reason: well ? 'MovedToNetns' : state === 'failed' ? 'EndpointUnresolved' : 'WaitsForPeer',
      message: well ? 'as declared' : 'the endpoint vpn.example.net has no address: check the name, or wait for DNS',
      waiting: well ? [] : ['an address of vpn.example.net', 'device wg0 in container agent1'],
      conditions: [
        {
          type: 'Ready',
          status: well ? 'True' : 'False',
          reason: well ? 'MovedToNetns' : 'EndpointUnresolved',
          message: well ? 'as declared' : 'the endpoint has no address',
          lastTransitionTime: rows.at(-1)?.time ?? timeOf(0),
        },
      ],
      fields: [
        field('name', info.interfaceName, info.interfaceName),
        field('mtu', '1420', well ? '1420' : '1400'),
        field('up', 'true', 'true'),
        field(
          'addresses',
          'fe80::a:1771/64, 10.4.0.1 peer 10.4.0.2/32',
          well ? 'fe80::a:1771/64, 10.4.0.1 peer 10.4.0.2/32' : 'fe80::a:1771/64',
        ),
        field('peer kbnC….endpoint', 'vpn.example.net:51820', well ? 'vpn.example.net:51820' : null),
      ],
      tried: rows
        .slice(-4)
        .toReversed()
        .map((row) => ({
          position: row.position,
          time: row.time,
          operation: row.type,
          answer: row.type === 'OperationFailed' ? 'ENOENT: no such device' : 'done',
          failed: row.type === 'OperationFailed',
        })),
      transitions: [...Map.groupBy(ways, ({ from, to }) => `${from} ${to}`).values()].map((same) => ({
        ...same[0]!,
        count: same.length,
      })),
      next: [
        { to: 'drifted', guards: ['kernelDiffers'] },
        { to: 'failed', guards: ['specRefused', 'operationRefused'] },
        { to: 'deleting', guards: ['deletionAsked'] },
        { to: 'pending', guards: ['secretMissing', 'placeLost'] },
      ],
      first: rows[0]?.position ?? 0,
      last: rows.at(-1)?.position ?? 0,
      events: rows.length,
    };
  };

  const answers: { [A in keyof Asks]: (request: Asks[A]['request']) => Asks[A]['answer'] } = {
    moment: ({ at }) => moment(at),
    events: ({ filter, from, count }) => {
      if (Object.keys(filter).length === 0)
        return {
          total: length,
          rows: Array.from({ length: Math.max(0, Math.min(count, length - from)) }, (_, n) => rowAt(from + n + 1)),
        };
      const rows = all(filter);
      return { total: rows.length, rows: rows.slice(from, from + count) };
    },
    rank: ({ filter, at }) => ({ rank: all(filter, at).length }),
    actor: ({ actor, at }) => detail(actor, at),
    chain: ({ event }): ChainRow => {
      const position = Number(event.split('.').at(-1));
      const next = position + actors.length <= length ? [{ ...rowAt(position + actors.length), effects: [] }] : [];
      return { ...rowAt(position), effects: next };
    },
    earlier: () => null,
    whatIf: () => ({ events: length, difference: null }),
    open: (request) => (request === null ? { kind: 'live', name: 'story' } : { kind: 'file', name: request.name }),
  };
  return { topology, moment, answer: (ask, request) => answers[ask](request) };
}
