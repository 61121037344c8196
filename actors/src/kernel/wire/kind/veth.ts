/** enum VETH_INFO_* of linux/veth.h: the far end, as a message about a link of its own. */
export const VETH_INFO_PEER = 1;

/** A pair is made by one request, each end in a netns of its own choice. */
export type NewPair<Netns> = {
  kind: 'veth';
  peer: { name: string; mtu?: number; mac?: string; up?: boolean; netns?: Netns };
};
