import type { Conflict, Waiting } from '../diff/rules.ts';

/** What has to appear, and what happens then. */
export function waitingWords({ reason, params }: Waiting): string {
  switch (reason) {
    case 'SlaveMissing':
      return `waiting for ${params.slave}, which does not exist yet in the ${params.upper}'s netns; it will be attached when it appears`;
    case 'SlaveTaken':
      return `waiting for ${params.slave}, which ${params.master} has: that belongs to ${params.owner}; name it in the slaves of one of the two only`;
    case 'DeviceMissing':
      return `waiting for ${params.device}, which does not exist yet in the ${params.kind}'s netns`;
    case 'DeviceDown':
      return `waiting for ${params.device} to be up, without which the kernel keeps ${params.name} down`;
  }
}

/** Who owns the conflicting link, and what to do. */
export function conflictWords({ params: { name, kind, owner } }: Conflict): string {
  const whose = owner === null ? `is a ${kind || 'physical'} link that ifactor did not make` : `belongs to ${owner}`;
  return `${name} already exists and ${whose}; rename or delete it, or choose another interfaceName`;
}
