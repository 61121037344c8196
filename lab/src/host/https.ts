import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:https';

/** Whether a GET with this token returns 200; also false if nothing listens or the certificate does not exist yet. */
export function httpsAnswers(url: string, certificate: string, token: string): Promise<boolean> {
  if (!existsSync(certificate)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const options = {
      ca: readFileSync(certificate),
      headers: { authorization: `Bearer ${token}` },
      timeout: 5000,
      agent: false,
    };
    const call = request(url, options, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    call.once('timeout', () => call.destroy());
    call.once('error', () => resolve(false));
    call.once('close', () => resolve(false));
    call.end();
  });
}
