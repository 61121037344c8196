import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** The part of an OpenAPI schema that the field table shows. */
type Schema = {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  maxItems?: number;
  required?: string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema | boolean;
};
type Definition = { spec: { versions: { schema: { openAPIV3Schema: Schema } }[] } };

/** A Markdown table of every field of a CustomResourceDefinition's spec and status. */
export function fields(path: string): string {
  const definition = parse(readFileSync(path, 'utf8')) as Definition;
  const schema = definition.spec.versions[0]!.schema.openAPIV3Schema;
  const rows = ['spec', 'status'].flatMap((part) => rowsOf(part, schema.properties![part]!, false));
  return ['| field | type | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

function rowsOf(path: string, schema: Schema, required: boolean): string[] {
  const { properties = {}, items } = schema;
  const row = `| \`${path}\` | ${cell(typeOf(schema))}${required ? ', required' : ''} | ${cell(meaning(schema))} |`;
  const inner = items?.properties ?? properties;
  const needed = new Set(items?.required ?? schema.required);
  const prefix = items?.properties ? `${path}[]` : path;
  return [row, ...Object.entries(inner).flatMap(([name, one]) => rowsOf(`${prefix}.${name}`, one, needed.has(name)))];
}

function typeOf({ type = 'object', enum: values, items, minimum, maximum, additionalProperties }: Schema): string {
  if (values) return values.map((value) => `\`${String(value)}\``).join(' or ');
  if (items) return items.properties ? 'list' : `list of ${typeOf(items)}`;
  if (typeof additionalProperties === 'object') return `map of ${typeOf(additionalProperties)}`;
  const limited = minimum !== undefined && maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  return limited ? `${type} ${minimum} to ${maximum}` : type;
}

function meaning({ description = '', default: value, maxItems }: Schema): string {
  const parts = [
    description,
    value === undefined ? '' : `Default: \`${JSON.stringify(value)}\`.`,
    maxItems === undefined ? '' : `At most ${maxItems}.`,
  ];
  return parts.filter(Boolean).join(' ');
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');
