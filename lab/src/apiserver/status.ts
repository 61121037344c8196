import type { ServedResource } from './schema/resource.ts';

export type FieldCause = { reason: string; field: string; message: string };

/** A refused request, returned as a Kubernetes `Status`. Source: apimachinery, pkg/api/errors. */
export class ApiRefusal extends Error {
  override name = 'ApiError';
  readonly code: number;
  readonly reason: string;
  readonly details: { name?: string; group?: string; kind?: string; causes?: FieldCause[]; retryAfterSeconds?: number };

  constructor(code: number, reason: string, message: string, details: ApiRefusal['details'] = {}) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  get status() {
    const { code, reason, message, details } = this;
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details, code };
  }
}

const qualified = ({ plural, group }: ServedResource): string => (group === '' ? plural : `${plural}.${group}`);
const about = (resource: ServedResource, name: string) => ({ name, group: resource.group, kind: resource.plural });

export const notFound = (resource: ServedResource, name: string) =>
  new ApiRefusal(404, 'NotFound', `${qualified(resource)} "${name}" not found`, about(resource, name));

export const alreadyExists = (resource: ServedResource, name: string) =>
  new ApiRefusal(409, 'AlreadyExists', `${qualified(resource)} "${name}" already exists`, about(resource, name));

export const conflict = (
  resource: ServedResource,
  name: string,
  why = 'the object has been modified; please apply your changes to the latest version and try again',
) =>
  new ApiRefusal(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`,
    about(resource, name),
  );

export const badRequest = (message: string) => new ApiRefusal(400, 'BadRequest', message);

export const gone = (message: string) => new ApiRefusal(410, 'Expired', message);

/** The error for what only a real API server supports. */
export const notServed = (what: string, code = 404) =>
  new ApiRefusal(
    code,
    code === 404 ? 'NotFound' : 'MethodNotAllowed',
    `the lab's embedded API server does not serve ${what}; start the lab with --kubeconfig or KUBEBUILDER_ASSETS for a real one`,
  );

export function invalid(resource: ServedResource, name: string, causes: FieldCause[]): ApiRefusal {
  const lines = causes.map(({ field, message }) => `${field}: ${message}`);
  const joined = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`;
  const kind = resource.group === '' ? resource.kind : `${resource.kind}.${resource.group}`;
  return new ApiRefusal(422, 'Invalid', `${kind} "${name}" is invalid: ${joined}`, {
    name,
    group: resource.group,
    kind: resource.kind,
    causes,
  });
}
