import { z } from 'zod';
import { ruled } from './rule.ts';

/*
 * Patterns mean the same in JavaScript and in Go's RE2 (kube-apiserver):
 * no look-around, no back references, counts below 1000.
 */
const OCTET = '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
export const IPV4 = `(${OCTET}\\.){3}${OCTET}`;
const H = '[0-9A-Fa-f]{1,4}';
const TAIL = `(${H}:${H}|${IPV4})`;
/** RFC 4291 text forms, the embedded IPv4 ones included; no zone. */
const IPV6 = [
  `(${H}:){6}${TAIL}`,
  `::(${H}:){5}${TAIL}`,
  `(${H})?::(${H}:){4}${TAIL}`,
  `((${H}:){0,1}${H})?::(${H}:){3}${TAIL}`,
  `((${H}:){0,2}${H})?::(${H}:){2}${TAIL}`,
  `((${H}:){0,3}${H})?::${H}:${TAIL}`,
  `((${H}:){0,4}${H})?::${TAIL}`,
  `((${H}:){0,5}${H})?::${H}`,
  `((${H}:){0,6}${H})?::`,
].join('|');

const LENGTH_V4 = '([0-9]|[12][0-9]|3[0-2])';
const LENGTH_V6 = '([0-9]|[1-9][0-9]|1[01][0-9]|12[0-8])';
const PORT = '([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])';
const LABEL = '[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?';
/** A DNS name whose last label begins with a letter, so that an invalid IPv4 address is not accepted as a name. */
const HOST = `(${LABEL}\\.)*[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?\\.?`;

export const patterns = {
  ip: `^(${IPV4}|${IPV6})$`,
  /** Text without a slash is left to a rule, whose message says what is missing. */
  cidr: `^([^/]*|(${IPV4})/${LENGTH_V4}|(${IPV6})/${LENGTH_V6})$`,
  /** As `cidr`, but a length of 0 is refused: an address on a link needs a network. */
  addressCidr: `^((${IPV4})/([1-9]|[12][0-9]|3[0-2])|(${IPV6})/([1-9]|[1-9][0-9]|1[01][0-9]|12[0-8]))$`,
  /** Anything with a colon is checked by `hostColons`; see `endpoint`. */
  host: `^(${IPV4}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*|${HOST})$`,
  hostColons: `^([^:]*|${IPV6})$`,
  /** An IPv6 address in the brackets is checked by `endpointBrackets`, so that this one stays short enough for a rule on each of 1000 peers. */
  endpoint: `^(${IPV4}|\\[[^\\[\\]]*\\]|${HOST}):${PORT}$`,
  endpointBrackets: `^([^\\[]|\\[(${IPV6})(%[A-Za-z0-9_.-]{1,15})?\\]:)`,
  /** 32 bytes in base64, in its one canonical spelling (the last letter's spare bits are 0). */
  key: '^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$',
  /** A file directly below /run/netns: neither `.` nor `..`, no `/`, no control character. */
  netnsName: '^([^\\x00-\\x1f/.][^\\x00-\\x1f/]*|\\.[^\\x00-\\x1f/.][^\\x00-\\x1f/]*|\\.\\.[^\\x00-\\x1f/]+)$',
  nodeName: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$',
} as const;

/** All spellings of 0.0.0.0 and `::`, among valid addresses: the kernel treats them as no address. */
export const unspecified = '^[0:.]*$';
/**
 * Valid addresses that no link can have: 0.0.0.0/8 ("this network"), `::`, and IPv6 multicast. May be followed by a
 * prefix length.
 */
export const notOfLink = '^0\\.|^[0:.]+(/|$)|^[fF][fF][0-9A-Fa-f]{2}:';

export const OF_LINK = 'must be an address that a link can have: not 0.0.0.0/8, "::" or IPv6 multicast';

/** Refuses text that matches `pattern`, with a message. */
export function unlike(schema: z.ZodString, pattern: string, message: string): z.ZodString {
  const compiled = new RegExp(pattern);
  return ruled(schema, {
    rule: `!self.matches(${celString(pattern)})`,
    message,
    holds: (text) => !compiled.test(text),
  });
}

/** Text that must match a pattern, refused on both sides with a message instead of the pattern. */
export function matching(pattern: string, maxLength: number, message: string): z.ZodString {
  const compiled = new RegExp(pattern);
  return ruled(z.string().max(maxLength), {
    rule: `self.matches(${celString(pattern)})`,
    message,
    holds: (text) => compiled.test(text),
  });
}

/**
 * As `matching`, but by `pattern`: for lists within lists, where a rule would exceed kube-apiserver's cost budget. The
 * API server then shows the pattern instead of the message.
 */
export function patterned(pattern: string, maxLength: number, message: string): z.ZodString {
  return z.string().max(maxLength).regex(new RegExp(pattern), { error: message });
}

/** A CEL string literal. */
export function celString(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

const INTERFACE_NAME = '^[^\\x00-\\x20\\x7f\\x85\\xa0/:%]+$';
const interfaceName = new RegExp(INTERFACE_NAME);
const utf8 = new TextEncoder();

/** Name of a network interface in the kernel: 1 to 15 bytes (IFNAMSIZ - 1), no `/`, no white space, not `.` or `..`; nor `:` or `%`, which the kernel reads as something else. */
export function isInterfaceName(name: string): boolean {
  return name !== '.' && name !== '..' && utf8.encode(name).length <= 15 && interfaceName.test(name);
}

/** Schema of an interface name; `what` is its name in messages. */
export function interfaceNameSchema(what: string): z.ZodString {
  return ruled(
    z.string().min(1).max(15),
    {
      rule: 'size(bytes(self)) <= 15',
      message: `${what} must be at most 15 bytes long (the kernel's limit)`,
      holds: (name) => utf8.encode(name).length <= 15,
    },
    {
      rule: `self != '.' && self != '..' && self.matches(${celString(INTERFACE_NAME)})`,
      message: `${what} must not be "." or "..", nor contain "/", ":", "%" or white space`,
      holds: (name) => name !== '.' && name !== '..' && interfaceName.test(name),
    },
  );
}
