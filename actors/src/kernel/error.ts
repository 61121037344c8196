/** Errno names as Linux spells them, or 'ECLOSED' (ours: the netns object was closed) and 'ETIMEDOUT' (no answer came). */
export type KernelErrorCode = string;

/**
 * A request that the kernel (or wireguard-go) refused.
 * `message` reads "cannot <operation>: <kernel's words or meaning of code>; <advice>" and never contains a secret.
 */
export class KernelError extends Error {
  override readonly name = 'KernelError';
  readonly code: KernelErrorCode;
  /** What was asked, e.g. 'create bridge br0'. */
  readonly operation: string;
  /** Extended acknowledgement, where the kernel gave one. */
  readonly kernelWords: string | null;
  /** With EOPNOTSUPP: the kernel module (or program) whose lack it is, e.g. 'dummy'. */
  readonly module: string | null;
  /** Whether whoever made the error said what it means, beyond its code. */
  readonly explained: boolean;

  constructor(
    code: KernelErrorCode,
    operation: string,
    details: {
      kernelWords?: string | null;
      module?: string | null;
      meaning?: string;
      advice?: string;
      cause?: unknown;
    } = {},
  ) {
    const words = details.kernelWords ?? details.meaning ?? meanings[code];
    const advice = details.advice ?? advices[code];
    super(`cannot ${operation}: ${words ? `${words} (${code})` : code}${advice ? `; ${advice}` : ''}`, {
      cause: details.cause,
    });
    this.code = code;
    this.operation = operation;
    this.kernelWords = details.kernelWords ?? null;
    this.module = details.module ?? null;
    this.explained = details.meaning !== undefined;
  }
}

/** True for a `KernelError` with one of these codes. */
export function isKernelError(error: unknown, ...codes: KernelErrorCode[]): error is KernelError {
  return error instanceof KernelError && (codes.length === 0 || codes.includes(error.code));
}

const meanings: Record<string, string | undefined> = {
  EACCES: 'permission denied',
  EADDRNOTAVAIL: 'no such address on the link',
  EBUSY: 'in use',
  ECLOSED: 'the netns was closed',
  EEXIST: 'already exists',
  EINVAL: 'invalid argument',
  ENODEV: 'no such link',
  ENOENT: 'no such file',
  EMFILE: 'the agent has too many open files',
  ENFILE: 'the machine has too many open files',
  ENOBUFS: 'the kernel has no buffer space left',
  ENOMEM: 'the kernel has no memory left',
  EOPNOTSUPP: 'not supported by this kernel',
  EPERM: 'operation not permitted',
  ERANGE: 'out of range',
  ETIMEDOUT: 'no answer',
};

const advices: Record<string, string | undefined> = {
  EPERM: 'run as root or with CAP_NET_ADMIN and CAP_SYS_ADMIN',
  ECLOSED: 'open it again',
  EMFILE: 'raise its limit (LimitNOFILE of its service)',
};
