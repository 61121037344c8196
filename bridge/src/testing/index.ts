/** What tests of other workspaces need: a real nats-server, and objects to put into it. Not for use in programs. */
export { freePort, startNats, until } from './nats.ts';
export type { NatsServer } from './nats.ts';
export { quiet } from './objects.ts';
