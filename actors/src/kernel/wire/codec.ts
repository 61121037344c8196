import type { MessageWriter } from './attribute.ts';

/** How the attributes of one kind of link stand in IFLA_INFO_DATA. */
export type Codec<Given, Shown extends Given = Given> = {
  /** True: the index of the device below stands in IFLA_LINK of the message, not here. */
  lower?: true;
  /** The kernel module that brings the kind. Absent: it has the name of the kind. */
  module?: string;
  write(writer: MessageWriter, attributes: Given): void;
  /** @param lower IFLA_LINK, null if the link has no lower one */
  read(data: Buffer, lower: number | null): Shown;
};
