import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { timestampSeconds } from '@ifactor/common';
import type { Clock, Random } from '@ifactor/common';
import { fillIn, pruneUnknown, validate } from '../schema/admission.ts';
import { isRecord, list, part, text } from '@ifactor/common/json';
import type { Json } from '@ifactor/common/json';
import { afterUpdate } from './managers.ts';
import type { Writer } from './managers.ts';
import { checkMetadata, readMetadata } from './metadata.ts';
import { readSecret } from './secret.ts';
import { servedApiVersion, crds, namespaces, secrets } from '../schema/resource.ts';
import type { ServedResource } from '../schema/resource.ts';
import { alreadyExists, ApiRefusal, badRequest, conflict, invalid, notFound } from '../status.ts';
import type { FieldCause } from '../status.ts';
import type { VersionedStore } from '../storage/store.ts';

export type ObjectWriteOptions = {
  writer: Writer;
  dryRun: boolean;
  /** What to do about fields that the schema does not name. */
  fieldValidation: 'Strict' | 'Warn' | 'Ignore';
  warn: (message: string) => void;
  /** The object holds its managedFields already, as after an apply. */
  managed?: boolean;
};

const dns = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** What the API server does with objects, whatever way they come in. */
export class ObjectService {
  readonly store: VersionedStore;
  readonly resources: readonly ServedResource[];
  readonly clock: Clock;
  readonly #random: Random;

  constructor(store: VersionedStore, resources: readonly ServedResource[], clock: Clock, random: Random) {
    this.store = store;
    this.resources = resources;
    this.clock = clock;
    this.#random = random;
  }

  need(resource: ServedResource, namespace: string, name: string): Json {
    const object = this.store.get(resource, namespace, name);
    if (!object) throw notFound(resource, name);
    return object;
  }

  /** `sent` may already hold managedFields if `options.managed` is set. */
  create(resource: ServedResource, namespace: string, sent: Json, options: ObjectWriteOptions): Json {
    const unknown: string[] = [];
    const metadata = this.#metadata(
      resource,
      namespace,
      readMetadata(resource, sent, (field) => unknown.push(field)),
      options.managed === true,
    );
    const name = text(metadata['name']);
    if (resource.namespaced) this.#needNamespace(namespace);
    if (this.store.get(resource, namespace, name)) throw alreadyExists(resource, name);
    if (resource === crds)
      throw invalid(crds, name, [
        {
          reason: 'FieldValueForbidden',
          field: 'metadata.name',
          message: "Forbidden: the lab's embedded API server serves the CRDs of ifactor and takes no others",
        },
      ]);
    const { status: _, ...body } = sent;
    const fresh = {
      ...(resource.status ? body : sent),
      metadata: {
        ...metadata,
        uid: this.#random.uuid(),
        creationTimestamp: timestampSeconds(this.clock),
        ...(resource.generation ? { generation: 1 } : {}),
      },
    };
    const object = this.#admit(resource, fresh, undefined, options, unknown);
    return this.#write(
      resource,
      options.managed ? object : afterUpdate(resource, undefined, object, options.writer),
      options,
    );
  }

  /** Replaces an object, or with `subresource` status only its status. */
  update(resource: ServedResource, before: Json, after: Json, options: ObjectWriteOptions): Json {
    const old = part(before, 'metadata');
    const name = text(old['name']);
    const status = options.writer.subresource === 'status';
    const unknown: string[] = [];
    const sent = readMetadata(resource, after, (field) => unknown.push(field));
    if (!status) checkMetadata(resource, { ...sent, name });
    if (sent['uid'] !== undefined && sent['uid'] !== old['uid'])
      throw conflict(
        resource,
        name,
        `Precondition failed: UID in precondition: ${text(sent['uid'])}, UID in object meta: ${text(old['uid'])}`,
      );
    if (sent['resourceVersion'] && sent['resourceVersion'] !== old['resourceVersion']) throw conflict(resource, name);
    if (sent['name'] !== undefined && sent['name'] !== name)
      throw badRequest(`the name of the object (${text(sent['name'])}) does not match the name on the URL (${name})`);
    const {
      uid,
      creationTimestamp,
      generation,
      deletionTimestamp,
      deletionGracePeriodSeconds,
      resourceVersion,
      namespace,
    } = old;
    const fixed = Object.fromEntries(
      Object.entries({
        name,
        namespace,
        uid,
        creationTimestamp,
        generation,
        deletionTimestamp,
        deletionGracePeriodSeconds,
        resourceVersion,
      }).filter(([, value]) => value !== undefined),
    );
    const managedFields = options.managed ? sent['managedFields'] : old['managedFields'];
    const merged: Json = status
      ? { ...before, ...('status' in after ? { status: after['status'] } : {}), metadata: { ...old, managedFields } }
      : { ...after, metadata: { ...sent, ...fixed, managedFields } };
    if (!status && resource.status) {
      if (before['status'] === undefined) delete merged['status'];
      else merged['status'] = before['status'];
    }
    this.#frozen(resource, before, merged);
    if (deletionTimestamp !== undefined)
      refuseNewFinalizers(resource, name, list(old['finalizers']), list(part(merged, 'metadata')['finalizers']));
    let object = this.#admit(resource, merged, before, options, unknown);
    if (!options.managed) object = afterUpdate(resource, before, object, options.writer);
    if (isDeepStrictEqual(meaning(object), meaning(before))) return before;
    if (resource.generation && !status && !isDeepStrictEqual(bare(object), bare(before))) {
      object = { ...object, metadata: { ...part(object, 'metadata'), generation: Number(generation ?? 0) + 1 } };
    }
    if (deletionTimestamp !== undefined && list(part(object, 'metadata')['finalizers']).length === 0)
      return this.#remove(resource, object, options);
    return this.#write(resource, object, options);
  }

  /** Deletes at once, or, while finalizers hold the object, marks it. */
  delete(
    resource: ServedResource,
    object: Json,
    options: Pick<ObjectWriteOptions, 'dryRun'>,
    preconditions: Json = {},
  ): { object: Json; gone: boolean } {
    const metadata = part(object, 'metadata');
    const name = text(metadata['name']);
    for (const field of ['uid', 'resourceVersion']) {
      const wanted = preconditions[field];
      if (wanted !== undefined && wanted !== metadata[field])
        throw conflict(
          resource,
          name,
          `Precondition failed: ${field} in precondition: ${text(wanted)}, ${field} in object meta: ${text(metadata[field])}`,
        );
    }
    if (resource === namespaces && ['default', 'kube-system'].includes(name))
      throw new ApiRefusal(403, 'Forbidden', `namespaces "${name}" is forbidden: this namespace may not be deleted`);
    if (resource === namespaces && !options.dryRun) return this.#terminate(object);
    if (list(metadata['finalizers']).length === 0)
      return { object: this.#remove(resource, object, options), gone: true };
    if (metadata['deletionTimestamp'] !== undefined) return { object, gone: false };
    const generation = resource.generation ? { generation: Number(metadata['generation'] ?? 0) + 1 } : {};
    const marked = {
      ...object,
      metadata: {
        ...metadata,
        deletionTimestamp: timestampSeconds(this.clock),
        deletionGracePeriodSeconds: 0,
        ...generation,
      },
    };
    return { object: options.dryRun ? marked : this.store.put(resource, marked), gone: false };
  }

  #remove(resource: ServedResource, object: Json, { dryRun }: Pick<ObjectWriteOptions, 'dryRun'>): Json {
    if (dryRun) return object;
    const last = this.store.remove(resource, object);
    const { uid, namespace } = part(object, 'metadata');
    // Dependents are deleted too, as by the garbage collector.
    for (const other of this.resources) {
      for (const dependent of this.store.list(other)) {
        const owners = list(part(dependent, 'metadata')['ownerReferences']).filter(isRecord);
        const owned =
          owners.some((owner) => owner['uid'] === uid) && !owners.some((owner) => this.#stands(owner, dependent));
        if (owned) this.delete(other, dependent, { dryRun });
      }
    }
    const home = this.store.get(namespaces, '', text(namespace));
    if (home && part(home, 'metadata')['deletionTimestamp'] !== undefined && this.#inside(text(namespace)).length === 0)
      this.store.remove(namespaces, home);
    return last;
  }

  /** Everything in a namespace. */
  #inside(namespace: string): { resource: ServedResource; object: Json }[] {
    return this.resources
      .filter((resource) => resource.namespaced)
      .flatMap((resource) => this.store.list(resource, namespace).map((object) => ({ resource, object })));
  }

  /** Deletes all objects in a namespace. It is Terminating until the last one is removed, as with the namespace controller. */
  #terminate(namespace: Json): { object: Json; gone: boolean } {
    const metadata = part(namespace, 'metadata');
    const name = text(metadata['name']);
    const marked =
      metadata['deletionTimestamp'] === undefined
        ? this.store.put(namespaces, {
            ...namespace,
            metadata: { ...metadata, deletionTimestamp: timestampSeconds(this.clock) },
            status: { phase: 'Terminating' },
          })
        : namespace;
    for (const { resource, object } of this.#inside(name)) {
      // A deletion before this one may have deleted this object as a dependent.
      const still = this.store.get(resource, name, text(part(object, 'metadata')['name']));
      if (still) this.delete(resource, still, { dryRun: false });
    }
    const left = this.store.get(namespaces, '', name);
    if (left && this.#inside(name).length === 0) return { object: this.store.remove(namespaces, left), gone: true };
    return { object: left ?? marked, gone: left === undefined };
  }

  /** Whether the owner that a reference names still exists. */
  #stands({ apiVersion, kind, name, uid }: Json, dependent: Json): boolean {
    const resource = this.resources.find((one) => servedApiVersion(one) === apiVersion && one.kind === kind);
    if (!resource) return false;
    const namespace = resource.namespaced ? text(part(dependent, 'metadata')['namespace']) : '';
    return part(this.store.get(resource, namespace, text(name)), 'metadata')['uid'] === uid;
  }

  #write(resource: ServedResource, object: Json, { dryRun }: ObjectWriteOptions): Json {
    return dryRun ? object : this.store.put(resource, object);
  }

  #metadata(resource: ServedResource, namespace: string, sent: Json, managed: boolean): Json {
    const { resourceVersion, managedFields, ...metadata } = sent;
    const prefix = text(metadata['generateName']);
    const name =
      text(metadata['name']) ||
      (prefix === '' ? '' : prefix.slice(0, 248) + randomBytes(4).toString('hex').slice(0, 5));
    if (resourceVersion) throw badRequest('resourceVersion should not be set on objects to be created');
    if (name === '')
      throw invalid(resource, '', [
        {
          reason: 'FieldValueRequired',
          field: 'metadata.name',
          message: 'Required value: name or generateName is required',
        },
      ]);
    const legal = resource === namespaces ? label : dns;
    if (name.length > 253 || !legal.test(name)) {
      throw invalid(resource, name, [
        {
          reason: 'FieldValueInvalid',
          field: 'metadata.name',
          message: `Invalid value: ${JSON.stringify(name.slice(0, 300))}: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character`,
        },
      ]);
    }
    if (metadata['namespace'] !== undefined && metadata['namespace'] !== namespace && resource.namespaced) {
      throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
    }
    checkMetadata(resource, metadata);
    const { namespace: _, ...rest } = metadata;
    return {
      ...rest,
      name,
      ...(resource.namespaced ? { namespace } : {}),
      ...(managed ? { managedFields } : {}),
    };
  }

  #needNamespace(namespace: string): void {
    const found = this.store.get(namespaces, '', namespace);
    if (!found) throw notFound(namespaces, namespace);
    if (part(found, 'metadata')['deletionTimestamp'] === undefined) return;
    throw new ApiRefusal(
      403,
      'Forbidden',
      `unable to create new content in namespace ${namespace} because it is being terminated`,
    );
  }

  /** Rejects a change of a CRD's spec, and of the data of an immutable secret. */
  #frozen(resource: ServedResource, before: Json, after: Json): void {
    const name = text(part(before, 'metadata')['name']);
    if (resource === crds && !isDeepStrictEqual(before['spec'], fillIn(crdDefaults, after['spec']))) {
      throw invalid(crds, name, [
        {
          reason: 'FieldValueForbidden',
          field: 'spec',
          message:
            "Forbidden: differs from the CRD that the lab's embedded API server serves; run the lab of the same version, or a real API server",
        },
      ]);
    }
    if (before['immutable'] === true && !isDeepStrictEqual(before['data'], after['data'])) {
      throw invalid(resource, name, [
        {
          reason: 'FieldValueForbidden',
          field: 'data',
          message: 'Forbidden: field is immutable when `immutable` is set',
        },
      ]);
    }
  }

  /** @param unknownMetadata fields of metadata that were dropped already */
  #admit(
    resource: ServedResource,
    object: Json,
    before: Json | undefined,
    options: ObjectWriteOptions,
    unknownMetadata: readonly string[],
  ): Json {
    const name = text(part(object, 'metadata')['name']);
    const typed: Json = {
      ...(resource === secrets ? readSecret(object) : object),
      apiVersion: servedApiVersion(resource),
      kind: resource.kind,
      metadata: withoutEmpty(part(object, 'metadata')),
    };
    if (resource === namespaces)
      typed['status'] = {
        phase: part(object, 'metadata')['deletionTimestamp'] === undefined ? 'Active' : 'Terminating',
      };
    const pruned = pruneUnknown(resource.schema, typed);
    const { value } = pruned;
    const unknown = [...unknownMetadata, ...pruned.unknown];
    if (resource.custom && unknown.length > 0 && options.fieldValidation !== 'Ignore') {
      const words = unknown.map((field) => `unknown field "${field}"`);
      if (options.fieldValidation === 'Strict')
        throw badRequest(
          `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: strict decoding error: ${words.join(', ')}`,
        );
      for (const word of words) options.warn(word);
    }
    if (!resource.custom) return typed;
    const filled = fillIn(resource.schema, value);
    if (!isRecord(filled)) throw badRequest('the body is not an object');
    const causes: FieldCause[] = validate(resource.schema, filled, before);
    if (causes.length > 0) throw invalid(resource, name, causes);
    return filled;
  }
}

/** The API server fills these in when a CRD is stored. */
const crdDefaults = { type: 'object', properties: { conversion: { default: { strategy: 'None' } } } };

/** @param time when it is stored */
export const storedDefinition = (definition: Json, time: string): Json => {
  const spec = fillIn(crdDefaults, definition['spec']) as Json;
  const names = spec['names'];
  const conditions = ['NamesAccepted', 'Established'].map((type) => ({
    type,
    status: 'True',
    lastTransitionTime: time,
    reason: type === 'Established' ? 'InitialNamesAccepted' : 'NoConflicts',
    message: 'the lab serves it',
  }));
  const storedVersions = list(spec['versions']).flatMap((version) => (isRecord(version) ? [version['name']] : []));
  return { ...definition, spec, status: { conditions, acceptedNames: names, storedVersions } };
};

/** What a write may leave as it was without counting as one. */
const meaning = ({ metadata, ...rest }: Json): unknown => {
  const { managedFields: _, resourceVersion: __, generation: ___, ...kept } = part({ metadata }, 'metadata');
  return { ...rest, metadata: kept };
};

/** What metadata.generation counts. */
const bare = (object: Json): unknown => {
  const { metadata: _, status: __, ...rest } = object;
  return rest;
};

/** Of metadata, what is empty is absent. */
const withoutEmpty = (metadata: Json): Json =>
  Object.fromEntries(
    Object.entries(metadata).filter(([name, value]) => {
      if (name === 'labels' || name === 'annotations') return isRecord(value) && Object.keys(value).length > 0;
      return name === 'finalizers' || name === 'ownerReferences' ? list(value).length > 0 : true;
    }),
  );

function refuseNewFinalizers(resource: ServedResource, name: string, before: unknown[], after: unknown[]): void {
  const added = after.filter((finalizer) => !before.includes(finalizer));
  if (added.length === 0) return;
  const words = added.map((finalizer) => JSON.stringify(finalizer)).join(', ');
  throw invalid(resource, name, [
    {
      reason: 'FieldValueForbidden',
      field: 'metadata.finalizers',
      message: `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${words}}`,
    },
  ]);
}
