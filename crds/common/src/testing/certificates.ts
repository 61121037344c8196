import { writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** Paths of a certificate and its key, PEM. */
export type CertificateFiles = { cert: string; key: string };

/** A certificate authority for tests, with its files in one folder. */
export type Authority = {
  /** Path of its certificate, PEM. */
  readonly ca: string;
  /** A certificate for these hosts (names or addresses), for servers and clients alike. */
  issue(name: string, hosts: readonly string[], validity?: 'current' | 'expired'): Promise<CertificateFiles>;
};

const dayMs = 24 * 3600 * 1000;

export async function createAuthority(folder: string, name = 'authority'): Promise<Authority> {
  const own = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - 30 * dayMs),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
  const ca = join(folder, `${name}.ca.pem`);
  writeFileSync(ca, own.cert);
  return {
    ca,
    async issue(holder, hosts, validity = 'current') {
      const days = validity === 'expired' ? [-20, -10] : [-1, 30];
      const [from = 0, to = 0] = days.map((day) => Date.now() + day * dayMs);
      const made = await generate([{ name: 'commonName', value: holder }], {
        keyType: 'ec',
        algorithm: 'sha256',
        notBeforeDate: new Date(from),
        notAfterDate: new Date(to),
        ca: { key: own.private, cert: own.cert },
        extensions: [
          { name: 'basicConstraints', cA: false, critical: true },
          { name: 'keyUsage', digitalSignature: true, critical: true },
          { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
          {
            name: 'subjectAltName',
            altNames: hosts.map((host) => (isIP(host) === 0 ? { type: 2, value: host } : { type: 7, ip: host })),
          },
        ],
      });
      const files = { cert: join(folder, `${holder}.pem`), key: join(folder, `${holder}.key`) };
      writeFileSync(files.cert, made.cert);
      writeFileSync(files.key, made.private, { mode: 0o600 });
      return files;
    },
  };
}
