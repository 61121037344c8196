/** What tests of other workspaces need: a real nats-server, and objects to put into it. Not for use in programs. */
export { quiet } from './objects.ts';
