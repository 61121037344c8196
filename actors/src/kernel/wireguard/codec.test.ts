import { describe, expect, it } from 'vitest';
import { decodeUapi, encodeUapi } from './uapi.ts';
import { attributes, messages, MessageWriter } from '../wire/attribute.ts';
import { decodeDevice, encodeGetDevice, encodeSetDevice, newDevice } from './codec.ts';
import { publicKeyOf } from '@ifactor/common/wireguardKey';

const key = (byte: number): Buffer => Buffer.alloc(32, byte);
const hex = (byte: string): string => byte.repeat(32);
const joined = (...parts: string[]): string => parts.join('').replace(/\s/g, '');

describe('WireGuard by generic netlink', () => {
  it('asks for a device by name', () => {
    expect(encodeGetDevice(0x1d, 'wg0').toString('hex')).toBe(
      joined(
        '1c000000 1d00 0103 00000000 00000000', // length, type, REQUEST|DUMP, seq, port
        '00 01 0000', // WG_CMD_GET_DEVICE, version
        '0800 0200 77673000', // IFNAME "wg0"
      ),
    );
  });

  it('writes a device as linux/wireguard.h has it', () => {
    const [message, ...rest] = encodeSetDevice(0x1d, 'wg0', {
      privateKey: key(1),
      listenPort: 51820,
      fwmark: 7,
      peers: [
        {
          publicKey: key(2).toString('base64'),
          presharedKey: key(3),
          endpoint: { host: '192.0.2.1', port: 51820 },
          persistentKeepalive: 25,
          replaceAllowedIPs: true,
          allowedIPs: ['10.1.2.3/8', 'fe80::/64'],
        },
      ],
    });
    expect(rest).toEqual([]);
    expect(message!.toString('hex')).toBe(
      joined(
        '0c010000 1d00 0500 00000000 00000000', // REQUEST|ACK
        '01 01 0000', // WG_CMD_SET_DEVICE, version
        '0800 0200 77673000', // IFNAME
        '2400 0300',
        hex('01'), // PRIVATE_KEY
        '0600 0600 6cca 0000', // LISTEN_PORT
        '0800 0700 07000000', // FWMARK
        'bc00 0880', // PEERS, nested
        'b800 0080', // the first
        '2400 0100',
        hex('02'), // PUBLIC_KEY
        '0800 0300 02000000', // FLAGS: REPLACE_ALLOWEDIPS
        '2400 0200',
        hex('03'), // PRESHARED_KEY
        '1400 0400 0200 ca6c c0000201 0000000000000000', // ENDPOINT: sockaddr_in
        '0600 0500 1900 0000', // PERSISTENT_KEEPALIVE_INTERVAL
        '4800 0980', // ALLOWEDIPS, nested
        '1c00 0080 0600 0100 0200 0000 0800 0200 0a000000 0500 0300 08 000000',
        '2800 0080 0600 0100 0a00 0000 1400 0200 fe800000000000000000000000000000 0500 0300 40 000000',
      ),
    );
  });

  it('names no peers where none change, and never replaces them all', () => {
    const [message] = encodeSetDevice(1, 'wg0', { privateKey: null });
    const types: number[] = [];
    attributes(message!, 20, (type) => types.push(type));
    expect(types).toEqual([2, 3]);
    expect(message!.subarray(-32).every((byte) => byte === 0)).toBe(true);
  });

  it('writes inet6 endpoints with their zone, removal and update-only', () => {
    const [message] = encodeSetDevice(
      1,
      'wg0',
      {
        peers: [
          { publicKey: key(2).toString('base64'), remove: true },
          { publicKey: key(2).toString('base64'), updateOnly: true, endpoint: { host: 'fe80::1%eth0', port: 1 } },
        ],
      },
      (name) => (name === 'eth0' ? 9 : undefined),
    );
    const text = message!.toString('hex');
    expect(text).toContain(joined('0800 0300 01000000'));
    expect(text).toContain(joined('0800 0300 04000000'));
    expect(text).toContain(joined('2000 0400 0a00 0001 00000000 fe800000000000000000000000000001 09000000'));
    expect(() =>
      encodeSetDevice(1, 'wg0', {
        peers: [{ publicKey: key(2).toString('base64'), endpoint: { host: 'fe80::1%no', port: 1 } }],
      }),
    ).toThrow(RangeError);
  });

  it('spreads many peers and many networks over messages that the kernel can take, losing none', () => {
    const peers = Array.from({ length: 700 }, (_, at) => {
      const bytes = Buffer.alloc(32, 1);
      bytes.writeUInt16LE(at);
      const allowedIPs = Array.from({ length: at === 3 ? 1000 : 1 }, (__, net) => `10.${net >> 8}.${net & 255}.0/24`);
      return { publicKey: bytes.toString('base64'), replaceAllowedIPs: true, allowedIPs };
    });
    const encoded = encodeSetDevice(1, 'wg0', { privateKey: key(1), listenPort: 5, peers });
    expect(encoded.length).toBeGreaterThan(2);
    const device = newDevice();
    const settings: number[] = [];
    for (const data of encoded) {
      expect(data.length).toBeLessThan(60_000);
      const [message] = [...messages(data)];
      attributes(message!.payload, 4, (type) => settings.push(type));
      decodeDevice(device, message!);
    }
    expect(settings.filter((type) => type === 3 || type === 6)).toHaveLength(2);
    expect(device.peers.map(({ publicKey, allowedIPs }) => ({ publicKey, allowedIPs }))).toEqual(
      peers.map(({ publicKey, allowedIPs }) => ({ publicKey, allowedIPs })),
    );
  });

  it('reads a device, joining a peer that was cut in two', () => {
    const first = new MessageWriter(1, 0)
      .raw([0, 1, 0, 0])
      .u32(1, 4)
      .text(2, 'wg0')
      .bytes(3, key(1))
      .bytes(4, key(9))
      .u16(6, 51820)
      .u32(7, 0)
      .nest(8, (list) =>
        list.nest(0, (peer) =>
          peer
            .bytes(1, key(2))
            .bytes(2, key(0))
            .u16(5, 25)
            .bytes(4, Buffer.from('0a00ca6c00000000fe80000000000000000000000000000103000000', 'hex'))
            .bytes(6, Buffer.from('0065cd1d00000000' + '80969800'.padEnd(16, '0'), 'hex'))
            .bytes(7, Buffer.from('0100000000000000', 'hex'))
            .bytes(8, Buffer.from('0000000001000000', 'hex'))
            .nest(9, (ips) =>
              ips.nest(0, (ip) =>
                ip
                  .u16(1, 2)
                  .bytes(2, Buffer.from([10, 0, 0, 0]))
                  .u8(3, 8),
              ),
            ),
        ),
      );
    const second = new MessageWriter(1, 0)
      .raw([0, 1, 0, 0])
      .nest(8, (list) =>
        list
          .nest(0, (peer) =>
            peer
              .bytes(1, key(2))
              .nest(9, (ips) => ips.nest(0, (ip) => ip.u16(1, 10).bytes(2, Buffer.alloc(16)).u8(3, 0))),
          )
          .nest(0, (peer) => peer.bytes(1, key(4)).bytes(2, key(5))),
      );
    const device = newDevice();
    for (const writer of [first, second])
      for (const message of messages(writer.finish())) decodeDevice(device, message);
    expect(device).toEqual({
      privateKey: key(1),
      publicKey: key(9).toString('base64'),
      listenPort: 51820,
      fwmark: 0,
      peers: [
        {
          publicKey: key(2).toString('base64'),
          presharedKey: null,
          endpoint: { host: 'fe80::1%3', port: 51820 },
          persistentKeepalive: 25,
          lastHandshakeTime: 500_000_000_010,
          rxBytes: 1,
          txBytes: 2 ** 32,
          allowedIPs: ['10.0.0.0/8', '::/0'],
        },
        {
          publicKey: key(4).toString('base64'),
          presharedKey: key(5),
          endpoint: null,
          persistentKeepalive: 0,
          lastHandshakeTime: null,
          rxBytes: 0,
          txBytes: 0,
          allowedIPs: [],
        },
      ],
    });
  });
});

describe('WireGuard by its text protocol', () => {
  it('writes a request', () => {
    expect(
      encodeUapi({
        privateKey: null,
        listenPort: 5,
        fwmark: 0,
        peers: [
          { publicKey: key(2).toString('base64'), remove: true },
          {
            publicKey: key(2).toString('base64'),
            updateOnly: true,
            presharedKey: key(3),
            endpoint: { host: '2001:db8:0::1', port: 6 },
            persistentKeepalive: 0,
            replaceAllowedIPs: true,
            allowedIPs: ['10.1.2.3/8'],
          },
        ],
      }),
    ).toBe(
      [
        'set=1',
        `private_key=${hex('00')}`,
        'listen_port=5',
        'fwmark=0',
        `public_key=${hex('02')}`,
        'remove=true',
        `public_key=${hex('02')}`,
        'update_only=true',
        `preshared_key=${hex('03')}`,
        'endpoint=[2001:db8::1]:6',
        'persistent_keepalive_interval=0',
        'replace_allowed_ips=true',
        'allowed_ip=10.0.0.0/8',
        '',
        '',
      ].join('\n'),
    );
  });

  it('reads an answer', () => {
    expect(
      decodeUapi(
        [
          `private_key=${hex('08')}`,
          'listen_port=51820',
          'fwmark=1',
          `public_key=${hex('02')}`,
          `preshared_key=${hex('00')}`,
          'protocol_version=1',
          'endpoint=[2001:db8::1]:6',
          'last_handshake_time_sec=1700000000',
          'last_handshake_time_nsec=20000000',
          'tx_bytes=5',
          'rx_bytes=6',
          'persistent_keepalive_interval=25',
          'allowed_ip=10.0.0.0/8',
          `public_key=${hex('04')}`,
          `preshared_key=${hex('05')}`,
          'last_handshake_time_sec=0',
          'last_handshake_time_nsec=0',
          'endpoint=192.0.2.1:7',
          'errno=0',
          '',
          '',
        ].join('\n'),
      ),
    ).toEqual({
      privateKey: key(8),
      publicKey: publicKeyOf(key(8)),
      listenPort: 51820,
      fwmark: 1,
      peers: [
        {
          publicKey: key(2).toString('base64'),
          presharedKey: null,
          endpoint: { host: '2001:db8::1', port: 6 },
          persistentKeepalive: 25,
          lastHandshakeTime: 1_700_000_000_020,
          rxBytes: 6,
          txBytes: 5,
          allowedIPs: ['10.0.0.0/8'],
        },
        {
          publicKey: key(4).toString('base64'),
          presharedKey: key(5),
          endpoint: { host: '192.0.2.1', port: 7 },
          persistentKeepalive: 0,
          lastHandshakeTime: null,
          rxBytes: 0,
          txBytes: 0,
          allowedIPs: [],
        },
      ],
    });
  });

  it('derives public keys: the first iteration of RFC 7748, section 5.2', () => {
    const nine = Buffer.alloc(32);
    nine[0] = 9;
    expect(Buffer.from(publicKeyOf(nine), 'base64').toString('hex')).toBe(
      '422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079',
    );
  });
});
