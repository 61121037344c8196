export type {
  ActorDetail,
  ActorInfo,
  Asks,
  ChainRow,
  EventRow,
  Field,
  Filter,
  Moment,
  PageAnswer,
  PageRequest,
  Told,
  Topology,
} from './protocol.ts';
export { page } from '#page';
export { headers } from './server/policy.ts';
