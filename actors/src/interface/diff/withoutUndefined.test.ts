import { expect, test } from 'vitest';
import { withoutUndefined } from './withoutUndefined.ts';

test('entries without a value are left out, those with an empty one are not', () => {
  expect(withoutUndefined({ mtu: undefined, mac: null, up: false, name: '' })).toStrictEqual({
    mac: null,
    up: false,
    name: '',
  });
});
