import { describe, expect, test, vi } from 'vitest';
import { whyNoVm } from '@ifactor/lab/vm';
import { eventually, succeeded, type Lab } from '../e2e/lab.ts';
import { walkthrough } from '../e2e/steps.ts';

// An emulated processor takes half a minute to start an agent.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 300_000 });

const lack = await whyNoVm('newest');
const tunnel = 'wg-lax1-lax2-0';

describe.skipIf(lack !== undefined)(
  `the walkthrough in a virtual machine, against bridge, NATS and API server of this machine${lack === undefined ? '' : `: ${lack}`}`,
  () => {
    walkthrough('vm', '', (lab: () => Lab) => {
      test("the tunnels are the kernel's own", async () => {
        const [one] = lab().containers;
        expect((await lab().link(one, tunnel)).linkinfo?.info_kind).toBe('wireguard');
        expect((await lab().exec('lax1', 'pgrep', 'wireguard-go')).stdout).toBe('');
      });

      test('an agent that is killed comes back to its links and leaves them as they are', async () => {
        const [one] = lab().containers;
        const before = await lab().link(one, tunnel);
        const peers = (await lab().exec(one, 'wg', 'show', tunnel, 'peers')).stdout;
        succeeded(await lab().command('kill', 'agent/lax1'));
        succeeded(await lab().exec(one, 'ip', 'link', 'set', 'veth2-a', 'down'));
        succeeded(await lab().command('restart', 'agent/lax1'));
        await eventually(async () => expect((await lab().link(one, 'veth2-a')).flags).toContain('UP'));
        expect(await lab().link(one, tunnel)).toEqual(before);
        expect((await lab().exec(one, 'wg', 'show', tunnel, 'peers')).stdout).toBe(peers);
      });
    });
  },
);
