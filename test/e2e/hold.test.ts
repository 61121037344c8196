import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, Lab, succeeded } from './lab.ts';

let lab: Lab;
let one: string;

beforeAll(async () => {
  lab = await Lab.start('netns');
  one = lab.containers[0];
});
afterAll(() => lab.end());

const patch = (spec: object): Promise<string> =>
  lab.kubectl(['patch', 'nl', 'veth1', '--type=merge', '--patch', JSON.stringify({ spec })]);
const condition = async (): Promise<string> =>
  lab.kubectl([
    'get',
    'nl',
    'veth1',
    '--output',
    'jsonpath={.status.conditions[0].status} {.status.conditions[0].reason}: {.status.conditions[0].message}',
  ]);
const becomes = (text: RegExp): Promise<void> => eventually(async () => expect(await condition()).toMatch(text));
const names = async (): Promise<string[]> => (await lab.links(one)).map(({ ifname }) => ifname);

test('spec.mode Observe says what would be done, and does nothing; Manage does it', async () => {
  await lab.apply('veth.yaml');
  await lab.ready('nl/veth1');
  await patch({ mode: 'Observe', mtu: 1380 });
  await becomes(/^False WouldChange: spec\.mode is Observe, so nothing is changed; would set mtu 1380 on veth1-a/);
  expect((await lab.link(one, 'veth1-a')).mtu).not.toBe(1380);
  await patch({ mode: 'Manage' });
  await lab.ready('nl/veth1');
  expect((await lab.link(one, 'veth1-a')).mtu).toBe(1380);
});

test('a paused interface that is gone says what differs, by whom and until when, and is healed once resumed', async () => {
  await lab.ifactor('pause', 'nl/veth1', '--for', '1h', '--reason', 'new switch', '--by', 'mona');
  await becomes(/^True Paused: paused by mona since \S+ until \S+ \(new switch\); the kernel is as declared/);
  succeeded(await lab.exec(one, 'ip', 'link', 'del', 'veth1-a'));
  await becomes(/^Unknown Paused: .*the kernel differs: link: wanted veth1-a, found none/);
  expect(await lab.ifactor('resync', 'nl/veth1')).toContain('not changed: paused by mona');
  expect(await names()).not.toContain('veth1-a');
  await lab.ifactor('resume', 'nl/veth1');
  await lab.ready('nl/veth1');
  expect(await names()).toContain('veth1-a');
});
