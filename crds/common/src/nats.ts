export { hidePasswords } from './connection/address.ts';
export { connect, connectOnce } from './connection/connect.ts';
export type { NatsOptions } from './connection/options.ts';
export { followConsumer, makeConsumer } from './eventStore/consumers.ts';
export { lastInCopy } from './eventStore/copy.ts';
export { eventStoreOf } from './eventStore/natsEventStore.ts';
export type { Names } from './names.ts';
export {
  checkedPrefix,
  knownNodesStream,
  knownNodeSubject,
  namesFor,
  namesOf,
  nodesBucket,
  nodesStream,
  nodeSubject,
  streams,
} from './names.ts';
export {
  ensureStreams,
  expireNodeEntries,
  maxMessageBytes,
  raiseStreams,
  readStreamMetadata,
  streamsAreCurrent,
  writeStreamMetadata,
} from './streams.ts';
export type { RaisedStream, StreamOptions } from './streams.ts';
