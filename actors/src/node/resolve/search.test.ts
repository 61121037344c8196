import { expect, test } from 'vitest';
import { candidates, parseSearch, readSearch } from './search.ts';

test('without a file there is no domain', () => {
  expect(readSearch('/nowhere/resolv.conf')).toEqual({ domains: [], ndots: 1 });
});

test.each<[string, string[], number]>([
  ['', [], 1],
  ['search a.test b.test', ['a.test', 'b.test'], 1],
  ['  search   a.test\tb.test  ', ['a.test', 'b.test'], 1],
  ['domain a.test', ['a.test'], 1],
  ['domain a.test\nsearch b.test', ['b.test'], 1],
  ['search a.test\ndomain b.test\n', ['b.test'], 1],
  ['search .', [], 1],
  ['search a.test\nnameserver 192.0.2.1', ['a.test'], 1],
  ['options ndots:3', [], 3],
  ['options rotate ndots:15 timeout:1', [], 15],
  ['options ndots:16', [], 15],
  ['options ndots:99', [], 15],
  ['options ndots:100', [], 1],
  ['options xndots:3', [], 1],
  ['options ndots:3x', [], 1],
  ['options ndots:', [], 1],
  ['ndots:3', [], 1],
  ['search ndots:3', ['ndots:3'], 1],
  ['options ndots:2\noptions rotate', [], 2],
])('%j is read as resolv.conf(5) has it', (text, domains, ndots) => {
  expect(parseSearch(text)).toEqual({ domains, ndots });
});

test.each<[string, number, string[]]>([
  ['x', 1, ['x.a.test', 'x.b.test', 'x']],
  ['x.y', 1, ['x.y', 'x.y.a.test', 'x.y.b.test']],
  ['x.y', 2, ['x.y.a.test', 'x.y.b.test', 'x.y']],
  ['x', 0, ['x', 'x.a.test', 'x.b.test']],
  ['x.', 1, ['x.']],
  ['x.y.', 5, ['x.y.']],
])('the candidates for %s, with ndots %d', (host, ndots, expected) => {
  expect(candidates(host, { domains: ['a.test', 'b.test'], ndots })).toEqual(expected);
});
