/** What a container with CAP_NET_ADMIN can send to the agent's sockets in its netns. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@ifactor/common';
import { RawNetlinkSocket } from 'netlink';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Netns, NetnsChange } from '../kernel.ts';
import { inNetns } from '../socket/libc.ts';
import { NETLINK_ROUTE, openSocket, type Socket } from '../socket/socket.ts';
import { MessageWriter } from '../wire/attribute.ts';
import { RTM_DELLINK, RTM_NEWLINK } from '../wire/link.ts';
import { openKernel } from './kernel.ts';

const RTNLGRP_LINK = 1;
let count = 0;

function linkMessage(type: number, index: number, name: string): Buffer {
  const header = Buffer.alloc(16);
  header.writeInt32LE(index, 4);
  return new MessageWriter(type, 0)
    .raw(header)
    .text(3, name)
    .u32(4, 1500)
    .nest(18, (info) => info.text(1, 'dummy'))
    .finish();
}

describe.skipIf(process.getuid?.() !== 0)('forged netlink messages', { timeout: 60_000 }, () => {
  let path: string;
  let forger: RawNetlinkSocket;

  beforeEach(() => {
    const name = `ift-${process.pid}-f${count++}`;
    execFileSync('ip', ['netns', 'add', name]);
    onTestFinished(() => {
      execFileSync('ip', ['netns', 'del', name]);
    });
    path = `/run/netns/${name}`;
    const fd = openSync(path, 'r');
    forger = inNetns(fd, () => new RawNetlinkSocket(NETLINK_ROUTE));
    closeSync(fd);
    onTestFinished(() => forger.close());
  });

  const forge = (message: Buffer, to: { port?: number; groups?: number }): Promise<{ code?: string } | undefined> =>
    new Promise((resolve) => {
      forger.send(message, to, (error) => resolve(error));
    });

  it('to the groups that the agent listens to: neither a link that is not there nor the end of one that is', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'ift-'));
    const kernel = openKernel({ stateDir });
    onTestFinished(async () => {
      await kernel.close();
      rmSync(stateDir, { recursive: true });
    });
    const netns: Netns = await kernel.open(path);
    const changes: NetnsChange[] = [];
    netns.subscribe((change) => changes.push(change));
    await netns.createLink({ kind: 'bridge', name: 'real0' });
    await netns.barrier();
    const { index } = netns.link('real0')!;
    changes.length = 0;
    // To its own port as well: with port 0 the kernel would carry the requests out.
    const group = { port: forger.address().port, groups: 1 << (RTNLGRP_LINK - 1) };
    expect(await forge(linkMessage(RTM_NEWLINK, 4711, 'forged0'), group)).toBeUndefined();
    expect(await forge(linkMessage(RTM_DELLINK, index, 'real0'), group)).toBeUndefined();
    await netns.barrier();
    expect(netns.link('forged0')).toBeUndefined();
    expect(netns.link('real0')).toBeDefined();
    expect(changes).toEqual([]);
  });

  it("to the agent's port: the kernel refuses to deliver them", async () => {
    const fd = openSync(path, 'r');
    const received: Buffer[] = [];
    const socket: Socket = openSocket(
      fd,
      NETLINK_ROUTE,
      { receive: (data) => received.push(data), broken: () => {} },
      systemClock,
    );
    onTestFinished(() => {
      socket.close();
      closeSync(fd);
    });
    expect(await forge(linkMessage(RTM_NEWLINK, 4711, 'forged0'), { port: socket.port })).toHaveProperty(
      'code',
      'ECONNREFUSED',
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(received).toEqual([]);
  });
});
