/** This machine cannot run virtual machines for tests; the message says what to install. */
export class VmUnavailable extends Error {
  override name = 'VmUnavailable';
}

/** A virtual machine did not start, hung or died; the message ends with the last lines of its console. */
export class VmFailed extends Error {
  override name = 'VmFailed';
}
