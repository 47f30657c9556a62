/** Finds every regular expression in a source file: literals, and `new RegExp` whose text is known without running it. */
import { parse } from '@babel/parser';
import type { Node } from '@babel/types';

export type Pattern = { line: number; source: string; flags: string };
/** What is passed to `new RegExp` there depends on what the program does: nobody can say how it behaves. */
export type Unknown = { line: number; unknown: string };

/** Values of names: module constants, and the parameters of a function while its calls are followed. */
type Names = ReadonlyMap<string, Node>;

export function patternsIn(text: string): (Pattern | Unknown)[] {
  const program = parse(text, { sourceType: 'module', plugins: ['typescript'] }).program;
  const names = new Map<string, Node>();
  const makers = new Map<string, Node>();
  // Others may call what is exported.
  const exported = new Set([...all(program)].flatMap((node) => (isExport(node) ? [...all(node)] : [])));
  for (const node of all(program)) {
    if (node.type !== 'VariableDeclarator' || node.id.type !== 'Identifier' || !node.init) continue;
    names.set(node.id.name, node.init);
    const { init } = node;
    if (init.type === 'ArrowFunctionExpression' && isRegExp(init.body) && !exported.has(node))
      makers.set(node.id.name, node.init);
  }
  const inMakers = new Set([...makers.values()].flatMap((maker) => [...all(maker)]));
  return [...all(program)].flatMap((node) => {
    if (node.type === 'RegExpLiteral') return [{ line: lineOf(node), source: node.pattern, flags: node.flags }];
    if (isRegExp(node) && !inMakers.has(node)) return [read(node, node, names, text)];
    const called = node.type === 'CallExpression' && node.callee.type === 'Identifier' ? node.callee.name : '';
    const maker = makers.get(called);
    if (maker?.type !== 'ArrowFunctionExpression' || node.type !== 'CallExpression') return [];
    const bound = new Map(names);
    for (const [index, parameter] of maker.params.entries()) {
      const value = node.arguments[index];
      if (parameter.type === 'Identifier' && value) bound.set(parameter.name, value);
    }
    return [read(maker.body, node, bound, text)];
  });
}

function isExport({ type }: Node): boolean {
  return type === 'ExportNamedDeclaration' || type === 'ExportDefaultDeclaration';
}

function isRegExp(node: Node): boolean {
  return (
    (node.type === 'NewExpression' || node.type === 'CallExpression') &&
    node.callee.type === 'Identifier' &&
    node.callee.name === 'RegExp'
  );
}

function read(call: Node, at: Node, names: Names, text: string): Pattern | Unknown {
  const line = lineOf(at);
  if (call.type !== 'NewExpression' && call.type !== 'CallExpression') return { line, unknown: '' };
  const [pattern, flags] = call.arguments;
  const source = pattern && textOf(pattern, names);
  const flagText = flags === undefined ? '' : textOf(flags, names);
  if (source === undefined || flagText === undefined) return { line, unknown: text.slice(at.start ?? 0, at.end ?? 0) };
  return { line, source, flags: flagText };
}

/** The text that an expression stands for, when it is made of constants alone. */
function textOf(node: Node, names: Names, depth = 0): string | undefined {
  if (depth > 20) return undefined;
  const inner = (one: Node): string | undefined => textOf(one, names, depth + 1);
  switch (node.type) {
    case 'StringLiteral':
      return node.value;
    case 'RegExpLiteral':
      return node.pattern;
    case 'TemplateLiteral':
      return node.quasis.reduce<string | undefined>((before, { value }, index) => {
        const expression = node.expressions[index];
        const after = expression === undefined ? '' : inner(expression as Node);
        return before === undefined || after === undefined ? undefined : before + (value.cooked ?? '') + after;
      }, '');
    case 'BinaryExpression': {
      const [left, right] = [inner(node.left), inner(node.right)];
      return node.operator === '+' && left !== undefined && right !== undefined ? left + right : undefined;
    }
    case 'MemberExpression': {
      const isSource = node.property.type === 'Identifier' && node.property.name === 'source';
      return isSource ? inner(node.object) : undefined;
    }
    case 'Identifier': {
      const value = names.get(node.name);
      return value === undefined ? undefined : inner(value);
    }
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
      return inner(node.expression);
    default:
      return undefined;
  }
}

export function* all(node: Node): Generator<Node> {
  yield node;
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) yield* all(child);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'loc' in value;
}

const lineOf = (node: Node): number => node.loc?.start.line ?? 0;
