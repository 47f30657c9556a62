/** Which tool schemas the model APIs refuse, by their documentation and by the errors that their users report. */
import { isRecord, type Json, Refusal } from './conversation.ts';

/** Every schema inside a schema, itself first, with its path as error messages write it. */
function* schemasIn(schema: Json, path: string): Generator<[schema: Json, path: string]> {
  yield [schema, path];
  for (const name of ['properties', '$defs', 'definitions', 'patternProperties']) {
    const children = schema[name];
    if (!isRecord(children)) continue;
    for (const [key, child] of Object.entries(children))
      if (isRecord(child)) yield* schemasIn(child, `${path}.${name}[${key}]`);
  }
  for (const name of ['items', 'additionalProperties', 'not', 'if', 'then', 'else']) {
    const child = schema[name];
    if (isRecord(child)) yield* schemasIn(child, `${path}.${name}`);
  }
  for (const name of ['anyOf', 'oneOf', 'allOf', 'prefixItems']) {
    const children = schema[name];
    if (!Array.isArray(children)) continue;
    for (const [at, child] of children.entries())
      if (isRecord(child)) yield* schemasIn(child, `${path}.${name}[${at}]`);
  }
}

/** Both APIs of OpenAI. @throws Refusal */
export function checkOpenAiSchema(schema: unknown, name: string, strict: boolean): void {
  if (schema === undefined || schema === null) return;
  const refuse = (path: string, what: string): never => {
    throw new Refusal(`Invalid schema for function '${name}': In context=(${path}), ${what}`);
  };
  if (!isRecord(schema) || schema.type !== 'object') {
    refuse(
      '',
      `schema must be a JSON Schema of 'type: "object"', got ${JSON.stringify(isRecord(schema) ? schema.type : schema)}.`,
    );
    return;
  }
  for (const top of ['anyOf', 'oneOf', 'allOf', 'enum', 'not'])
    if (schema[top] !== undefined) refuse('', `'${top}' is not permitted at the top level.`);
  for (const [one, path] of schemasIn(schema, '')) {
    if (one.type === 'array' && one.items === undefined && one.prefixItems === undefined)
      refuse(path, 'array schema missing items.');
    if (one.type === 'object' && one.properties !== undefined && !isRecord(one.properties))
      refuse(path, 'object schema has invalid properties.');
    if (!strict) continue;
    for (const banned of [
      'allOf',
      'not',
      'if',
      'then',
      'else',
      'oneOf',
      'patternProperties',
      'dependentRequired',
      'default',
    ])
      if (one[banned] !== undefined) refuse(path, `'${banned}' is not permitted.`);
    if (!isRecord(one.properties)) continue;
    if (one.additionalProperties !== false)
      refuse(path, `'additionalProperties' is required to be supplied and to be false.`);
    const required = Array.isArray(one.required) ? one.required : [];
    for (const key of Object.keys(one.properties))
      if (!required.includes(key))
        refuse(
          path,
          `'required' is required to be supplied and to be an array including every key in properties. Missing '${key}'.`,
        );
  }
}

/** @throws Refusal */
export function checkAnthropicSchema(schema: unknown, where: string): void {
  if (!isRecord(schema) || schema.type !== 'object') throw new Refusal(`${where}.type: Input should be 'object'`);
  for (const top of ['anyOf', 'oneOf', 'allOf'])
    if (schema[top] !== undefined)
      throw new Refusal(`${where}: input_schema does not support oneOf, allOf, or anyOf at the top level`);
  for (const [one, path] of schemasIn(schema, '')) {
    const types = Array.isArray(one.type) ? one.type : one.type === undefined ? [] : [one.type];
    const isValid =
      types.every((type) => JSON_TYPES.includes(type)) &&
      ['minimum', 'maximum', 'multipleOf', 'minLength', 'maxLength', 'minItems', 'maxItems'].every(
        (bound) => one[bound] === undefined || typeof one[bound] === 'number',
      ) &&
      // Booleans in draft 4, numbers since.
      ['exclusiveMinimum', 'exclusiveMaximum'].every((bound) => typeof one[bound] !== 'boolean') &&
      // At the root the API's own reference allows null for it.
      (one.required === undefined || Array.isArray(one.required) || (path === '' && one.required === null)) &&
      (one.items === undefined || isRecord(one.items) || typeof one.items === 'boolean');
    if (!isValid)
      throw new Refusal(
        `${where}: JSON schema is invalid. It must match JSON Schema draft 2020-12 (at ${path || 'root'})`,
      );
  }
}

const JSON_TYPES: unknown[] = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'];

/** Fields of `Schema` in the reference of the Gemini API, v1beta: `parameters` is a message, unknown fields are errors. */
const GEMINI_FIELDS = new Set([
  ...['type', 'format', 'title', 'description', 'nullable', 'enum', 'maxItems', 'minItems', 'properties', 'required'],
  ...['minProperties', 'maxProperties', 'minLength', 'maxLength', 'pattern', 'example', 'anyOf', 'propertyOrdering'],
  ...['default', 'items', 'minimum', 'maximum'],
]);
const GEMINI_TYPES = ['TYPE_UNSPECIFIED', 'STRING', 'NUMBER', 'INTEGER', 'BOOLEAN', 'ARRAY', 'OBJECT', 'NULL'];

/** `functionDeclarations[].parameters`. @throws Refusal */
export function checkGeminiSchema(schema: unknown, where: string): void {
  if (schema === undefined) return;
  if (!isRecord(schema))
    throw new Refusal(`Invalid value at '${where}' (type.googleapis.com/google.ai.generativelanguage.v1beta.Schema)`);
  for (const [one, path] of schemasIn(schema, where)) {
    for (const field of Object.keys(one)) {
      const camel = field.replaceAll(/_([a-z])/gu, (_all, letter: string) => letter.toUpperCase());
      if (!GEMINI_FIELDS.has(camel))
        throw new Refusal(
          `Invalid JSON payload received. Unknown name ${JSON.stringify(field)} at '${path}': Cannot find field.`,
        );
    }
    if (Array.isArray(one.type))
      throw new Refusal(
        `Invalid JSON payload received. Unknown name "type" at '${path}': Proto field is not repeating, cannot start list.`,
      );
    const type = String(one.type ?? '').toUpperCase();
    if (one.type !== undefined && !GEMINI_TYPES.includes(type))
      throw new Refusal(
        `Invalid value at '${path}.type' (type.googleapis.com/google.ai.generativelanguage.v1beta.Type), ${JSON.stringify(one.type)}`,
      );
    if (one.enum !== undefined && type !== 'STRING')
      throw new Refusal(`* GenerateContentRequest.${path}.enum: only allowed for STRING type`);
    if (Array.isArray(one.enum) && one.enum.some((value) => value === ''))
      throw new Refusal(`* GenerateContentRequest.${path}.enum: cannot be empty`);
    if (type === 'ARRAY' && one.items === undefined)
      throw new Refusal(`* GenerateContentRequest.${path}.items: missing field.`);
    if (type === 'STRING' && one.format !== undefined && !['enum', 'date-time'].includes(String(one.format)))
      throw new Refusal(
        `* GenerateContentRequest.${path}.format: only 'enum' and 'date-time' are supported for STRING type`,
      );
    if (Array.isArray(one.required))
      for (const name of one.required)
        if (!isRecord(one.properties) || !(String(name) in one.properties))
          throw new Refusal(`* GenerateContentRequest.${path}.required[${String(name)}]: property is not defined`);
  }
}
