/** WireGuard devices. */
import { beforeEach, describe, expect, it } from 'vitest';
import { key, publicKey, refusal, type Fixture } from './fixture.ts';

export function wireguardSuite(fixture: () => Fixture): void {
  let on: Fixture;
  beforeEach(() => {
    on = fixture();
  });

  describe('wireguard', () => {
    it('is born down and empty', async () => {
      expect(await on.wireguard()).toMatchObject({ kind: 'wireguard', mtu: 1420, up: false });
      expect(await on.netns.wireguard.get('wg0')).toMatchObject({
        privateKey: null,
        publicKey: null,
        fwmark: 0,
        peers: [],
      });
      expect(await refusal(on.netns.createLink({ kind: 'wireguard', name: 'wg0' }))).toBe('EEXIST');
    });

    it('takes a key, port, mark and peers, and changes what is listed only', async () => {
      await on.wireguard();
      await on.netns.wireguard.set('wg0', {
        privateKey: key(8),
        listenPort: 51998,
        fwmark: 7,
        peers: [
          {
            publicKey: publicKey(9),
            presharedKey: key(3),
            endpoint: { host: '192.0.2.1', port: 51820 },
            persistentKeepalive: 25,
            allowedIPs: ['10.0.0.0/8', '::/0'],
          },
          { publicKey: publicKey(10), endpoint: { host: '2001:db8:0::1', port: 1 } },
        ],
      });
      const device = await on.netns.wireguard.get('wg0');
      expect(device).toMatchObject({ listenPort: 51998, fwmark: 7 });
      expect(device.privateKey?.subarray(1, 31).equals(key(8).subarray(1, 31))).toBe(true);
      expect(device.peers).toHaveLength(2);
      const peer = device.peers.find((one) => one.publicKey === publicKey(9))!;
      expect(peer).toMatchObject({
        endpoint: { host: '192.0.2.1', port: 51820 },
        persistentKeepalive: 25,
        lastHandshakeTime: null,
      });
      expect(peer.presharedKey?.equals(key(3))).toBe(true);
      expect(peer.allowedIPs.toSorted()).toEqual(['10.0.0.0/8', '::/0']);

      await on.netns.wireguard.set('wg0', {
        peers: [
          {
            publicKey: publicKey(9),
            presharedKey: null,
            persistentKeepalive: 0,
            replaceAllowedIPs: true,
            allowedIPs: ['10.5.0.0/16'],
          },
          { publicKey: publicKey(11), updateOnly: true, persistentKeepalive: 5 },
        ],
      });
      const changed = await on.netns.wireguard.get('wg0');
      expect(changed).toMatchObject({ listenPort: 51998, fwmark: 7, publicKey: device.publicKey });
      expect(changed.peers).toHaveLength(2);
      expect(changed.peers.find((one) => one.publicKey === publicKey(9))).toMatchObject({
        presharedKey: null,
        endpoint: { host: '192.0.2.1', port: 51820 },
        persistentKeepalive: 0,
        allowedIPs: ['10.5.0.0/16'],
      });
      expect(changed.peers.find((one) => one.publicKey === publicKey(10))?.endpoint).toEqual({
        host: '2001:db8::1',
        port: 1,
      });

      await on.netns.wireguard.set('wg0', {
        peers: [
          { publicKey: publicKey(9), remove: true },
          { publicKey: publicKey(9) },
          { publicKey: publicKey(10), remove: true },
        ],
      });
      expect((await on.netns.wireguard.get('wg0')).peers).toMatchObject([
        { publicKey: publicKey(9), endpoint: null, allowedIPs: [] },
      ]);
    });

    it('takes many peers', async () => {
      await on.wireguard();
      const peers = Array.from({ length: 300 }, (_, at) => {
        const bytes = Buffer.alloc(32, 1);
        bytes.writeUInt16LE(at);
        return { publicKey: bytes.toString('base64'), allowedIPs: [`10.${at >> 8}.${at & 255}.0/24`] };
      });
      await on.netns.wireguard.set('wg0', { privateKey: key(8), peers });
      const got = (await on.netns.wireguard.get('wg0')).peers;
      expect(new Map(got.map((peer) => [peer.publicKey, peer.allowedIPs]))).toEqual(
        new Map(peers.map((peer) => [peer.publicKey, peer.allowedIPs])),
      );
    });

    it('keeps port, key and peers when it moves, and ends when it is deleted', async () => {
      const { index } = await on.wireguard();
      const second = await on.other();
      await on.netns.wireguard.set('wg0', { privateKey: key(8), peers: [{ publicKey: publicKey(9) }] });
      await on.netns.changeLink(index, { up: true });
      const before = await on.netns.wireguard.get('wg0');
      await on.netns.changeLink(index, { netns: second });
      const moved = await on.seen('wg0', second);
      expect(moved.kind).toBe('wireguard');
      await second.changeLink(moved.index, { up: true });
      const after = await second.wireguard.get('wg0');
      expect(after).toMatchObject({ publicKey: before.publicKey, peers: [{ publicKey: publicKey(9) }] });
      expect(await refusal(on.netns.wireguard.get('wg0'))).toBe('ENODEV');
      // Its name is free in its birth on.netns.
      await on.wireguard();
      expect((await on.netns.wireguard.get('wg0')).publicKey).toBeNull();
      await second.deleteLink(moved.index);
      await second.barrier();
      expect(second.link('wg0')).toBeUndefined();
      expect(await refusal(second.wireguard.get('wg0'))).toBe('ENODEV');
      expect((await on.netns.wireguard.get('wg0')).peers).toEqual([]);
    });

    // A thread of its own waits for each deletion, and requests meanwhile take their turn behind it.
    it('is read whole while links are deleted', async () => {
      await on.wireguard();
      await on.netns.wireguard.set('wg0', { privateKey: key(8), peers: [{ publicKey: publicKey(9) }] });
      const nobody = 0x7ffffffe;
      for (let round = 0; round < 100; round++) {
        const [deletion, device] = await Promise.all([
          refusal(on.netns.deleteLink(nobody)),
          on.netns.wireguard.get('wg0'),
        ]);
        expect(deletion).toBe('ENODEV');
        expect(device.peers).toHaveLength(1);
      }
    });

    it('refuses links of another kind, and what is no key', async () => {
      await on.bridge();
      await on.wireguard();
      expect(await refusal(on.netns.wireguard.get('br0'))).toBe('EOPNOTSUPP');
      expect(await refusal(on.netns.wireguard.set('wg0', { privateKey: Buffer.alloc(5) }))).toBe('EINVAL');
      expect(await refusal(on.netns.wireguard.set('wg0', { peers: [{ publicKey: 'short' }] }))).toBe('EINVAL');
    });
  });
}
