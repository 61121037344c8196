import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestClock } from '@ifactor/common/testing';
import { expect, onTestFinished, test } from 'vitest';
import { parseHosts } from './hosts.ts';
import { preferred } from './preferred.ts';
import { createLookup, withTimeLimit, systemLookup, type Lookup } from './resolver.ts';
import { candidates, parseSearch } from './search.ts';

const unasked = new AbortController().signal;

/**
 * A name server on loopback that answers A questions for `names`, knows no other, and is silent about those that begin with 'dead', and
 * about AAAA of those that begin with 'half'.
 */
async function nameServer(names: Record<string, string>): Promise<{ servers: string[]; asked: string[] }> {
  const socket: Socket = createSocket('udp4');
  const asked: string[] = [];
  socket.on('message', (question, { port, address }) => {
    let at = 12;
    const labels: string[] = [];
    for (let length = question[at]!; length > 0; length = question[at]!) {
      labels.push(question.toString('latin1', at + 1, at + 1 + length));
      at += length + 1;
    }
    const name = labels.join('.');
    const isA = question.readUInt16BE(at + 1) === 1;
    asked.push(name);
    if (name.startsWith('dead') || (!isA && name.startsWith('half'))) return;
    const ip = isA ? names[name] : undefined;
    const header = Buffer.from(question.subarray(0, 12));
    header.writeUInt16BE(names[name] === undefined ? 0x8183 : 0x8180, 2);
    header.writeUInt16BE(ip === undefined ? 0 : 1, 6);
    header.fill(0, 8, 12);
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...(ip ?? '').split('.').map(Number)]);
    socket.send(
      Buffer.concat([header, question.subarray(12, at + 5), ...(ip === undefined ? [] : [record])]),
      port,
      address,
    );
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => {
    socket.close();
  });
  return { servers: [`127.0.0.1:${socket.address().port}`], asked };
}

function file(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'ift-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'file'), text);
  return join(folder, 'file');
}

test('localhost has addresses, an address is its own, and /etc/hosts comes first and is read again', async () => {
  expect(await systemLookup('localhost', unasked)).toContain('127.0.0.1');
  expect(await systemLookup('2001:db8::1', unasked)).toEqual(['2001:db8::1']);
  const { servers, asked } = await nameServer({ 'one.test': '192.0.2.1' });
  const hosts = file('192.0.2.9 One.test two # comment\n');
  const resolve = createLookup({ hosts, servers, resolvConf: '/nowhere' });
  expect(await resolve('one.test', unasked)).toEqual(['192.0.2.9']);
  expect(asked).toEqual([]);
  writeFileSync(hosts, '192.0.2.10 three\n');
  expect(await resolve('three', unasked)).toEqual(['192.0.2.10']);
  expect(await resolve('one.test', unasked)).toEqual(['192.0.2.1']);
});

test('a short name is looked for in the search domains', async () => {
  const { servers } = await nameServer({ 'vpn.example.test': '192.0.2.3' });
  const resolvConf = file('search none.test example.test\noptions ndots:2\n');
  expect(await createLookup({ servers, resolvConf, hosts: '/nowhere' })('vpn', unasked)).toEqual(['192.0.2.3']);
  await expect(createLookup({ servers, resolvConf, hosts: '/nowhere' })('other', unasked)).resolves.toEqual([]);
});

test('fifty names that no server answers delay no other, and are cancelled', async () => {
  const { servers } = await nameServer({ 'alive.test': '192.0.2.1' });
  const clock = new TestClock();
  const resolve = withTimeLimit(createLookup({ servers, hosts: '/nowhere', resolvConf: '/nowhere' }), clock);
  const given: string[] = [];
  const dead = Array.from({ length: 50 }, (_, at) =>
    resolve(`dead${at}.test`).catch((error: Error) => void given.push(error.message)),
  );
  expect(await resolve('alive.test')).toEqual(['192.0.2.1']);
  expect(given).toEqual([]);
  await clock.pass(2000);
  await Promise.all(dead);
  expect(new Set(given)).toEqual(new Set(['no resolver answered within 2 s']));
});

test('one family of addresses that nobody answers for does not make a name fail', async () => {
  const { servers } = await nameServer({ 'half.test': '192.0.2.1' });
  const resolve = createLookup({ servers, hosts: '/nowhere', resolvConf: '/nowhere' });
  expect(await withTimeLimit(resolve, new TestClock())('half.test')).toEqual(['192.0.2.1']);
  // Of a name without an address in the other family nothing is known.
  const question = new AbortController();
  const asked = resolve('half-nothing.test', question.signal);
  setImmediate(() => question.abort());
  await expect(asked).rejects.toMatchObject({ code: 'ECANCELLED' });
});

test('giving a question up ends it', async () => {
  const { servers } = await nameServer({});
  const question = new AbortController();
  const asked = createLookup({ servers, hosts: '/nowhere', resolvConf: '/nowhere' })('dead.test', question.signal);
  setImmediate(() => question.abort());
  await expect(asked).rejects.toMatchObject({ code: 'ECANCELLED' });
});

test('a name that several ask for is looked up once at a time', async () => {
  const asked: string[] = [];
  const resolve = withTimeLimit(async (host) => {
    asked.push(host);
    return ['192.0.2.1', '192.0.2.2'];
  }, new TestClock());
  expect(await Promise.all([resolve('a'), resolve('a'), resolve('b')])).toEqual(
    Array.from({ length: 3 }, () => ['192.0.2.1', '192.0.2.2']),
  );
  expect(asked).toEqual(['a', 'b']);
  await resolve('a');
  expect(asked).toEqual(['a', 'b', 'a']);
});

test('a resolver that does not answer is not waited for, and an empty answer does not count', async () => {
  const clock = new TestClock();
  let given: AbortSignal | undefined;
  const never: Lookup = (_host, signal) => {
    given = signal;
    return new Promise(() => undefined);
  };
  const silent = withTimeLimit(never, clock)('a').catch((error: Error) => error.message);
  await clock.pass(2000);
  expect(await silent).toBe('no resolver answered within 2 s');
  expect(given?.aborted).toBe(true);
  await expect(withTimeLimit(async () => [], clock)('a')).rejects.toThrow('it has no address');
});

test('addresses with a route come first, then IPv6, IPv4, unique local', async () => {
  const all = ['fd00::1', '192.0.2.1', '2001:db8::1', '198.51.100.1'];
  const sorted = ['2001:db8::1', '192.0.2.1', '198.51.100.1', 'fd00::1'];
  expect(await preferred(all, async () => true)).toEqual(sorted);
  expect(await preferred(all, async (address) => address === 'fd00::1')).toEqual(['fd00::1', ...sorted.slice(0, 3)]);
});

test('hosts and resolv.conf are read as their manuals have it', () => {
  expect(parseHosts('bad line\n::1 a b\n127.0.0.1\ta # c\n')).toEqual(
    new Map([
      ['a', ['::1', '127.0.0.1']],
      ['b', ['::1']],
    ]),
  );
  const search = parseSearch('nameserver 192.0.2.53\ndomain old\nsearch a.test b.test\noptions rotate ndots:3\n');
  expect(search).toEqual({ domains: ['a.test', 'b.test'], ndots: 3 });
  expect(candidates('x.y', search)).toEqual(['x.y.a.test', 'x.y.b.test', 'x.y']);
  expect(candidates('w.x.y.z', search)).toEqual(['w.x.y.z', 'w.x.y.z.a.test', 'w.x.y.z.b.test']);
  expect(candidates('x.', search)).toEqual(['x.']);
});
