import { LabError } from '../cluster/error.ts';

/** This machine cannot run virtual machines; the message says what to install. */
export class VmUnavailable extends LabError {
  override name = 'VmUnavailable';
}

/** A virtual machine did not start, hung or died; the message ends with the last lines of its console. */
export class VmFailed extends LabError {
  override name = 'VmFailed';
}
