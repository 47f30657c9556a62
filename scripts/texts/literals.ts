/** Texts that are literals of the source: the lines of the log, and the words of the viewer. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from '@babel/parser';
import type { Node } from '@babel/types';
import { LOG_LEVELS } from '../../src/core/ports.ts';
import { all } from '../regex-patterns.ts';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));
/** Stands for what only the running program knows. */
const OPEN = '…';

type Constants = ReadonlyMap<string, Node>;

/** What an expression can be, as far as it is made of constants of its file. */
function textsOf(node: Node, constants: Constants): string[] {
  switch (node.type) {
    case 'StringLiteral':
    case 'NumericLiteral':
      return [String(node.value)];
    case 'TemplateLiteral': {
      const pieces = node.quasis.map(({ value }) => value.cooked ?? '');
      return node.expressions.reduce<string[]>(
        (texts, expression, at) =>
          texts.flatMap((text) =>
            textsOf(expression as Node, constants).map((inner) => text + inner + (pieces[at + 1] ?? '')),
          ),
        [pieces[0] ?? ''],
      );
    }
    case 'ConditionalExpression':
      return [node.consequent, node.alternate].flatMap((one) => textsOf(one, constants));
    case 'Identifier': {
      const value = constants.get(node.name);
      return value === undefined ? [OPEN] : textsOf(value, constants);
    }
    default:
      return [OPEN];
  }
}

const sourceOf = (path: string): string => readFileSync(SRC + path, 'utf8');

function nodesOf(path: string): { nodes: Node[]; constants: Constants } {
  const source = sourceOf(path);
  const nodes = [...all(parse(source, { sourceType: 'module', plugins: ['typescript'] }).program)];
  const constants = new Map<string, Node>();
  for (const node of nodes)
    if (node.type === 'VariableDeclarator' && node.id.type === 'Identifier' && node.init)
      constants.set(node.id.name, node.init);
  // The same name may be something else in a function of its own.
  for (const node of nodes)
    if ('params' in node && Array.isArray(node.params))
      for (const one of node.params.flatMap((parameter) => [...all(parameter)]))
        if (one.type === 'Identifier') constants.delete(one.name);
  return { nodes, constants };
}

const filesIn = (folder: string): string[] =>
  readdirSync(SRC + folder, { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}${name}`.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.ts'))
    .sort();

export function logLines(): string {
  const logging = filesIn('').filter((path) => /\blog\.[a-z]+\(/u.test(sourceOf(path)));
  const lines = logging.flatMap((path) => {
    const { nodes, constants } = nodesOf(path);
    return nodes.flatMap((node) => {
      const level = node.type === 'CallExpression' ? levelOf(node.callee) : undefined;
      if (node.type !== 'CallExpression' || level === undefined) return [];
      const [message] = node.arguments;
      const texts = message === undefined ? [] : textsOf(message, constants);
      return texts.filter((text) => text !== OPEN).map((text) => ({ level, text }));
    });
  });
  return LOG_LEVELS.flatMap((level) => {
    const texts = new Set(lines.filter((line) => line.level === level).map(({ text }) => text));
    return texts.size === 0 ? [] : [`**${level}**\n\n${listed(texts)}`];
  }).join('\n\n');
}

/** What `serve` writes where no host is: it would wait for one. */
export function serveOnTerminal(): string {
  const { nodes, constants } = nodesOf('cli/serve.ts');
  const texts = nodes.flatMap((node) => {
    if (node.type !== 'CallExpression' || node.callee.type !== 'Identifier') return [];
    const [text] = node.callee.name === 'writeStderr' ? node.arguments : [];
    return text === undefined ? [] : textsOf(text, constants);
  });
  return ['$ flux-pro-mcp serve', ...texts].join('\n');
}

/** Of `log.warn` or `deps.log.warn`. */
function levelOf(callee: Node): string | undefined {
  if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return undefined;
  const { object, property } = callee;
  const name = object.type === 'MemberExpression' ? object.property : object;
  return name.type === 'Identifier' && name.name === 'log' ? property.name : undefined;
}

const listed = (texts: Iterable<string>): string => [...texts].map((text) => `- ${text}`).join('\n');

const SHOWN_IN_HTML = /(?:aria-label|alt)="(?<label>[^"]+)"|>(?<text>[^<>]*\p{L}[^<>]*)</gu;
/** Several words, or one that begins like a sentence; no HTML, no CSS. */
const IS_SHOWN = /^(?![<(]|.*:[a-z]).*(?:\p{L} |[ ,]\p{L})|^\p{Lu}\p{Ll}+$/u;

export function viewerWords(): string {
  const html = sourceOf('viewer/viewer.html').replace(/\/\* [A-Z]+ \*\//gu, '');
  const inHtml = [...html.matchAll(SHOWN_IN_HTML)].map(({ groups }) => groups?.label ?? groups?.text ?? '');
  const inCode = filesIn('viewer/').flatMap((path) => {
    const { nodes, constants } = nodesOf(path);
    const inTypes = new Set(
      nodes.filter(({ type }) => /^TS.*Type$|^ImportDeclaration$/u.test(type)).flatMap((node) => [...all(node)]),
    );
    return nodes.flatMap((node) => {
      if (inTypes.has(node)) return [];
      if (node.type === 'ObjectProperty' && node.key.type === 'Identifier') return [node.key.name];
      return node.type === 'StringLiteral' || node.type === 'TemplateLiteral' ? textsOf(node, constants) : [];
    });
  });
  return listed(
    new Set([...inHtml, ...inCode].filter((text) => IS_SHOWN.test(text.trim())).map((text) => text.trim())),
  );
}
