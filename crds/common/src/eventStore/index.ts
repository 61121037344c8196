export {
  ConsumerMissing,
  isRemoval,
  matches,
  NotConnected,
  SequenceConflict,
  StreamFull,
  StreamMissing,
} from './eventStore.ts';
export type { Appended, EventStore, Followed, NewMessage, StoredMessage, StreamState } from './eventStore.ts';
export { followLast } from './followLast.ts';
export type { FollowLastOptions } from './followLast.ts';
