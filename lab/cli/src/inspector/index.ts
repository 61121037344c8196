export type {
  ActorDetail,
  ActorInfo,
  Asks,
  Cause,
  EventRow,
  Field,
  Filter,
  Moment,
  Request,
  Topology,
} from './protocol.ts';
export { page } from '#page';
export { headers } from './server/policy.ts';
