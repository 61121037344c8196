export type { LostNetns, LostReason, NetnsPlace } from './place.ts';
export { createPlaces } from './places.ts';
export type { Places, PlacesOptions } from './places.ts';
export { ProcessRecords } from './processRecords.ts';
