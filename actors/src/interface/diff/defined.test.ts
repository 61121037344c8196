import { expect, test } from 'vitest';
import { defined } from './defined.ts';

test('entries without a value are left out, those with an empty one are not', () => {
  expect(defined({ mtu: undefined, mac: null, up: false, name: '' })).toStrictEqual({ mac: null, up: false, name: '' });
});
