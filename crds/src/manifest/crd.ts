import { z } from 'zod';
import { ConditionSchema, InterfaceStatusSchema, statusLimits } from '../message/status.ts';
import { netlinkTypes } from '../schema/kind/index.ts';
import { kinds } from '../schema/kinds.ts';
import type { KindName } from '../schema/kinds.ts';
import { NetlinkInterfaceSpecSchema } from '../schema/netlinkInterface.ts';
import { PlanStatusSchema } from '../schema/planStatus.ts';
import { keyed } from '../schema/rule.ts';
import { structural } from './structural.ts';
import type { Structural } from './structural.ts';
import { WireGuardNetworkPlanSpecSchema } from '../schema/wireGuardNetworkPlan.ts';
import { WireGuardInterfaceSpecSchema } from '../schema/wireguardInterface.ts';

interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly description: string;
  readonly jsonPath: string;
  /** 1: shown by `-o wide` only. */
  readonly priority?: 1;
}

interface Definition {
  readonly description: string;
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
  readonly columns: readonly Column[];
}

const condition = (field: 'status' | 'reason' | 'message'): string => `.status.conditions[?(@.type=="Ready")].${field}`;
const ready: Column = {
  name: 'Ready',
  type: 'string',
  description: 'Whether it is as wanted.',
  jsonPath: condition('status'),
};
const age: Column = {
  name: 'Age',
  type: 'date',
  description: 'Time since its creation.',
  jsonPath: '.metadata.creationTimestamp',
};
const message: Column = {
  name: 'Message',
  type: 'string',
  description: 'What to know or do.',
  jsonPath: condition('message'),
  priority: 1,
};

const interfaceColumns = (type: string): Column[] => [
  { name: 'Node', type: 'string', description: 'Node that owns it.', jsonPath: '.spec.node' },
  { name: 'Interface', type: 'string', description: 'Name in the kernel.', jsonPath: '.spec.interfaceName' },
  { name: 'Type', type: 'string', description: 'Kind of interface.', jsonPath: type },
  { name: 'State', type: 'string', description: 'Where it is in its life.', jsonPath: '.status.state' },
  ready,
  age,
  {
    name: 'Addresses',
    type: 'string',
    description: 'Addresses in the kernel.',
    jsonPath: '.status.netlink.addresses',
    priority: 1,
  },
  { name: 'Container', type: 'string', description: 'Where it belongs.', jsonPath: '.spec.container', priority: 1 },
  message,
];

const InterfaceStatus = InterfaceStatusSchema.extend({
  conditions: keyed(z.array(ConditionSchema).max(statusLimits.conditions), 'type')
    .optional()
    .describe('Ready, with the reason why not.'),
});

/** Source of each kind's definition; the rest of its CustomResourceDefinition follows from `kinds`. */
export const definitions: Readonly<Record<KindName, Definition>> = {
  WireGuardNetworkPlan: {
    description:
      'A network of WireGuard links between nodes; becomes one WireGuardInterface per direction of each link.',
    spec: WireGuardNetworkPlanSpecSchema,
    status: PlanStatusSchema,
    columns: [
      { name: 'Links', type: 'string', description: 'Interfaces ready, of those planned.', jsonPath: '.status.links' },
      ready,
      age,
      { name: 'Reason', type: 'string', description: 'Reason of Ready.', jsonPath: condition('reason'), priority: 1 },
      message,
    ],
  },
  WireGuardInterface: {
    description: "A WireGuard interface on one node, in the agent's network namespace or moved into a container.",
    spec: WireGuardInterfaceSpecSchema,
    status: InterfaceStatus,
    columns: interfaceColumns('.kind'),
  },
  NetlinkInterface: {
    description: `An interface on one node (${netlinkTypes.join(', ')}), in the agent's network namespace or in a container.`,
    spec: NetlinkInterfaceSpecSchema,
    status: InterfaceStatus,
    columns: interfaceColumns('.spec.type'),
  },
};

/** The whole CustomResourceDefinition of a kind, as an object to be written as YAML or sent to an API server. */
export function customResourceDefinition(name: KindName): Structural {
  const { kind, plural, singular, shortNames, group, version } = kinds[name];
  const { description, spec, status, columns } = definitions[name];
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular, shortNames, categories: ['ifactor'] },
      scope: 'Namespaced',
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description,
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string', description: `Always ${group}/${version}.` },
                kind: { type: 'string', description: `Always ${kind}.` },
                metadata: { type: 'object' },
                spec: { ...structural(spec), description: 'What is wanted.' },
                status: {
                  ...structural(status),
                  description: 'What is, as the agent and the bridge last reported it.',
                },
              },
            },
          },
        },
      ],
    },
  };
}
