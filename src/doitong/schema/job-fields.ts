/** Finds what to select in a type that may be a job: the documented fields, under whatever names the type has for them. */
import { REASON_NAMES, STATUS_NAMES } from '../wire-values.ts';
import { type FieldModel, fieldsOf, type SchemaModel, type TypeRef } from './introspection.ts';
import { isNameOf, type NameKind } from './names.ts';

/** Names from the outside to the inside. Lists on the way do not show: whoever reads looks into each. */
type Path = string[];

/**
 * A field that is asked for. `as`: the documented name under which it is to be answered; addresses of pictures are
 * answered under their own names, by which they are found.
 */
export type Selected = { path: Path; as?: DocumentedName };
export const DOCUMENTED_NAMES = ['id', 'status', 'creditCost', 'error', 'createdAt', 'metadata'] as const;
export type DocumentedName = (typeof DOCUMENTED_NAMES)[number];

/** The fields of a type that can be asked for without arguments; none any more of a schema that asks for endless work. */
export type FieldsIn = (typeName: string) => readonly FieldModel[];

const STEPS_MAX = 300_000;
const FIELDS_MAX = 500;
const ADDRESS_DEPTH_MAX = 3;
const VISITS_MAX = 60;
const NO_TEXT = ['Int', 'Float', 'Boolean'];
const BUILT_IN = [...NO_TEXT, 'String', 'ID'];

export const isLeaf = ({ kind }: TypeRef): boolean => kind === 'SCALAR' || kind === 'ENUM';
const isText = (type: TypeRef): boolean => isLeaf(type) && !NO_TEXT.includes(type.name);
export const isObject = ({ kind }: TypeRef): boolean => kind === 'OBJECT' || kind === 'INTERFACE';
/** A scalar of the service's own, which can hold anything. */
const isFreeForm = ({ kind, name }: TypeRef): boolean => kind === 'SCALAR' && !BUILT_IN.includes(name);
export const isIdType = ({ kind, name }: TypeRef): boolean =>
  kind === 'SCALAR' && name !== 'Boolean' && name !== 'Float';

/** What the documented fields are called elsewhere, best first, and below which names they stand in an object. */
const KNOWN_FIELDS: readonly {
  as: DocumentedName;
  names: readonly NameKind[];
  fits: (type: TypeRef) => boolean;
  inside?: readonly string[];
}[] = [
  { as: 'id', names: ['id'], fits: isIdType },
  { as: 'status', names: ['status'], fits: isText, inside: STATUS_NAMES },
  { as: 'creditCost', names: ['credits'], fits: isLeaf },
  { as: 'error', names: ['error', 'reason'], fits: isText, inside: REASON_NAMES },
  { as: 'metadata', names: ['metadata'], fits: isFreeForm },
];

export function createFieldsIn(schema: SchemaModel): FieldsIn {
  let steps = STEPS_MAX;
  return (typeName) => {
    const fields = fieldsOf(schema, typeName)
      .filter(({ args }) => !args.some(({ required }) => required))
      .slice(0, FIELDS_MAX);
    steps -= fields.length + 1;
    return steps < 0 ? [] : fields;
  };
}

export function jobFields(typeName: string, fieldsIn: FieldsIn) {
  const fields = fieldsIn(typeName);
  const named = KNOWN_FIELDS.flatMap((known): Selected[] => {
    const path = pathTo(known, fields, fieldsIn);
    return path === undefined ? [] : [{ path, as: known.as }];
  });
  const addresses = addressesIn(typeName, fieldsIn);
  return {
    selected: [...named, ...addresses.map(({ path }): Selected => ({ path }))].sort((a, b) => rank(a) - rank(b)),
    /** It has what a job has at least: an id, a status, and a place for the address. */
    isJob: addresses.length > 0 && ['id', 'status'].every((name) => named.some(({ as }) => as === name)),
    /** Higher is worse: how far the address is from the plain `url`. */
    cost: (addresses[0]?.cost ?? 0) / 10,
  };
}

/** Addresses come between the status and the rest. */
const rank = ({ as }: Selected): number => (as === undefined ? 1.5 : DOCUMENTED_NAMES.indexOf(as));

function pathTo(
  { as, names, fits, inside = [] }: (typeof KNOWN_FIELDS)[number],
  fields: readonly FieldModel[],
  fieldsIn: FieldsIn,
): Path | undefined {
  const cost = ({ name, deprecated }: FieldModel): number => (name === as ? 0 : name.length) + (deprecated ? 1_000 : 0);
  const named = names.flatMap((kind) =>
    fields.filter(({ name, type }) => type.lists === 0 && isNameOf(kind, name)).sort((a, b) => cost(a) - cost(b)),
  );
  for (const { name, type } of named) {
    if (fits(type)) return [name];
    const inner = isObject(type) ? fieldsIn(type.name).filter((field) => isText(field.type)) : [];
    const below = inside.find((one) => inner.some((field) => field.name === one));
    if (below !== undefined) return [name, below];
  }
  return undefined;
}

type Address = { path: Path; cost: number };

/** Breadth first, so that what is near is found before the bound is reached. */
function addressesIn(typeName: string, fieldsIn: FieldsIn): Address[] {
  const addresses: Address[] = [];
  const queue: { path: Path; typeName: string }[] = [{ path: [], typeName }];
  for (const at of queue) {
    for (const { name, type } of fieldsIn(at.typeName)) {
      const path = [...at.path, name];
      const cost = addressCost(name, type);
      if (cost !== undefined) addresses.push({ path, cost: cost + at.path.length * 10 });
      const leads = isObject(type) && isNameOf('output', name);
      if (leads && path.length < ADDRESS_DEPTH_MAX && queue.length < VISITS_MAX)
        queue.push({ path, typeName: type.name });
    }
  }
  return addresses.sort((a, b) => a.cost - b.cost).slice(0, 3);
}

function addressCost(name: string, type: TypeRef): number | undefined {
  if (type.kind !== 'SCALAR' || NO_TEXT.includes(type.name)) return undefined;
  if (isNameOf('url', name)) return name === 'url' ? 0 : 1;
  return isNameOf('output', name) && type.name !== 'ID' ? 40 : undefined;
}
