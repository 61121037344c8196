/** Why an agent refused a message about an object, and what to do. `reason`: as in DesiredRefused. */
export function refusedDesiredWords(reason: string): string {
  const stays = 'what was accepted before stays in force';
  switch (reason) {
    case 'Unsigned':
      return `refused a message without a signature, ${stays}: upgrade the bridge`;
    case 'OtherKey':
      return `refused a message that another key signed, ${stays}: if the bridge lost its key, run ifactor-agent trust on the node`;
    case 'OtherCluster':
      return `refused a message of another cluster, ${stays}: if it replaces the former one, run ifactor-agent trust on the node`;
    case 'BadSignature':
      return `refused a message that was altered, or signed for another subject, ${stays}: check who may write to NATS`;
    case 'Replayed':
      return `refused a message that is older than one accepted before, ${stays}: check who may write to NATS`;
    default:
      return `refused a message (${reason}), ${stays}`;
  }
}
