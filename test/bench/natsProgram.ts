import { fetchNats, findNats } from '@ifactor/lab';

/** Path of the lab's nats-server, fetched where it is missing. @throws Error that says how to provide it */
export async function natsProgram(): Promise<string> {
  const { path } = (await findNats()) ?? (await fetchNats((line) => console.error(line)));
  return path;
}
