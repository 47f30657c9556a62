/** Makes wrong messages of whole ones: by their structure, and byte by byte. */
import type { Dice } from '../crash/dice.ts';
import { envelope } from '../support/raw-host.ts';
import { oneOf } from './messages.ts';

type Tree = Record<string, unknown>;
/** Where a member stands: the object or array that holds it, and its name there. */
type Position = { parent: Tree; name: string; path: readonly string[] };

const deep = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`);
const IDS: readonly unknown[] = [
  null,
  1.5,
  true,
  {},
  [],
  '',
  'text',
  -1,
  1e300,
  2 ** 53,
  Number.MAX_SAFE_INTEGER,
  '\ud800',
];
const VERSIONS = ['2099-01-01', '2025-06-18', '2024-11-05', '', 'x', 7, null];
const METHODS = [
  'ping',
  'tools/list',
  'tools/call',
  'resources/read',
  'roots/list',
  'elicitation/create',
  'nothing',
  '',
];
const CONSTANTS: readonly unknown[] = [
  null,
  0,
  -1,
  1.5,
  Number.POSITIVE_INFINITY,
  2 ** 53 + 2,
  true,
  false,
  '',
  ' ',
  [],
  {},
  [null],
  'null',
];

/** @param key what must never be seen again, wherever it is put */
export function mutated(message: Tree, dice: Dice, key: string): Buffer {
  const times = dice.between(0, 3);
  let tree: unknown = structuredClone(message);
  for (let time = 0; time < times; time += 1) tree = changeStructure(tree as Tree, dice, key);
  if (dice.chance(0.05)) tree = Array.from({ length: dice.between(0, 3) }, () => tree);
  let text = JSON.stringify(tree) ?? 'null';
  if (dice.chance(0.03))
    text = text.replace('"method"', `"method":"ping","${oneOf(['method', 'id', 'params'], dice)}"`);
  if (dice.chance(0.03)) text = `\ufeff${text}`;
  if (dice.chance(0.03)) text = `${text}\r`;
  const bytes = Buffer.from(text);
  return dice.chance(0.15) ? changeBytes(bytes, dice) : bytes;
}

function changeStructure(tree: Tree, dice: Dice, key: string): unknown {
  if (typeof tree !== 'object' || tree === null || Array.isArray(tree)) return tree;
  const positions = positionsIn(tree);
  const position = positions.length === 0 ? undefined : oneOf(positions, dice);
  switch (
    dice.weighted({ drop: 3, retype: 6, rename: 2, add: 2, id: 2, method: 1, meta: 2, large: 1, key: 1, result: 1 })
  ) {
    case 'drop':
      if (position !== undefined) delete position.parent[position.name];
      break;
    case 'retype':
      if (position !== undefined)
        position.parent[position.name] = dice.chance(0.02) ? deep(1_000) : structuredClone(oneOf(CONSTANTS, dice));
      break;
    case 'rename':
      if (position !== undefined) {
        position.parent[`${position.name.slice(0, -1)}x`] = position.parent[position.name];
        delete position.parent[position.name];
      }
      break;
    case 'add':
      (position?.parent ?? tree)[oneOf(['extra', '__proto__', 'constructor', 'id', ''], dice)] = structuredClone(
        oneOf(CONSTANTS, dice),
      );
      break;
    case 'id':
      tree.id = structuredClone(oneOf(IDS, dice));
      break;
    case 'method':
      tree.method = oneOf(METHODS, dice);
      break;
    case 'meta':
      return { ...tree, params: { ...(tree.params as Tree), ...oneOf(METAS, dice)(dice) } };
    case 'large':
      if (position !== undefined)
        position.parent[position.name] = oneOf(['a.', 'x', '\u0000', '"', '\ud83d'], dice).repeat(20_000);
      break;
    case 'key':
      // An id, and a token, is repeated as it is: only the client itself put it there.
      if (position !== undefined && position.path[0] === 'params' && position.path[1] !== '_meta')
        position.parent[position.name] = key;
      break;
    default:
      tree[oneOf(['result', 'error'], dice)] = oneOf<unknown>([{}, null, { code: 1, message: 'x' }], dice);
  }
  return tree;
}

const METAS: readonly ((dice: Dice) => object)[] = [
  () => envelope(),
  (dice) => envelope(oneOf(VERSIONS, dice)),
  (dice) => ({ _meta: { progressToken: oneOf([...IDS, 7], dice) } }),
  (dice) => ({ _meta: structuredClone(oneOf(CONSTANTS, dice)) }),
];

function positionsIn(tree: Tree, path: readonly string[] = []): Position[] {
  return Object.keys(tree).flatMap((name) => {
    const value = tree[name];
    const here = [...path, name];
    const inside =
      typeof value === 'object' && value !== null && here.length < 8 ? positionsIn(value as Tree, here) : [];
    return [{ parent: tree, name, path: here }, ...inside];
  });
}

function changeBytes(bytes: Buffer, dice: Dice): Buffer {
  const at = dice.between(0, bytes.length);
  const length = dice.between(0, Math.min(20, bytes.length - at));
  const noise = Buffer.from(Array.from({ length: dice.between(1, 8) }, () => dice.between(0, 255)));
  switch (dice.weighted({ flip: 3, cut: 2, insert: 2, truncate: 2, repeat: 1 })) {
    case 'flip':
      if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << dice.between(0, 7));
      return bytes;
    case 'cut':
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    case 'insert':
      return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
    case 'truncate':
      return bytes.subarray(0, at);
    default:
      return Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
  }
}
