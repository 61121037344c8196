import { delimiter, dirname } from 'node:path';
import { fetchNats, findNats } from '@ifactor/lab';

/** What tests of every workspace read from the environment to start a nats-server, which is downloaded if none is installed. */
export async function natsEnvironment(): Promise<Record<string, string>> {
  const { path } = (await findNats()) ?? (await fetchNats((line) => console.log(line)));
  return { PATH: `${process.env['PATH']}${delimiter}${dirname(path)}`, IFACTOR_NATS_SERVER: path };
}
