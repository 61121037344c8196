/** Lends a netns a TCP port that leads to a unix socket elsewhere. `ip netns exec NETNS node relay.ts ADDRESS PORT SOCKET`; says `listens`. */
import { connect, createServer } from 'node:net';

const [address = '', port = '', socket = ''] = process.argv.slice(2);
const server = createServer((near) => {
  const far = connect(socket);
  const end = (): void => {
    near.destroy();
    far.destroy();
  };
  for (const side of [near, far]) side.on('error', end).on('close', end);
  near.pipe(far).pipe(near);
});
server.listen(Number(port), address, () => process.stdout.write('listens\n'));
