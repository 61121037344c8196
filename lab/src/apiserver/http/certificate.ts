import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@ifactor/common';
import { generate } from 'selfsigned';

/** PEM. The certificate is its own authority: clients are given it in their kubeconfig. */
export type Certificate = { key: string; cert: string };

const yearMs = 365 * 24 * 3600 * 1000;

/** A certificate for the loopback interface, and further addresses. Clients send credentials over TLS only. */
export async function makeCertificate(clock: Clock, ...addresses: string[]): Promise<Certificate> {
  const made = await generate([{ name: 'commonName', value: 'ifactor-lab' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(clock.now() - 24 * 3600 * 1000),
    notAfterDate: new Date(clock.now() + 10 * yearMs),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
          ...addresses.map((ip) => ({ type: 7 as const, ip })),
        ],
      },
    ],
  });
  return { key: made.private, cert: made.cert };
}

/** The certificate kept in a folder; made at the first start, so that kubeconfigs stay good over restarts. */
export async function certificateIn(folder: string, clock: Clock): Promise<Certificate> {
  const path = join(folder, 'certificate.json');
  if (!existsSync(path)) {
    writeFileSync(`${path}.new`, JSON.stringify(await makeCertificate(clock)), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
  return JSON.parse(readFileSync(path, 'utf8')) as Certificate;
}
