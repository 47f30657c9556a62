/** Plays what each host's client does with a result, by what was measured of it: refuses, drops, or passes on. */
import type { Answer } from './start-client.ts';

/** What reaches the model or the user of that host. */
export type Seen = { text: string; pictures: number; links: string[] };

type Player = (answer: Answer) => Seen;

const CLAUDE_DESKTOP_MAX_CHARACTERS = 1_048_576;
const CLAUDE_CODE_MAX_TOKENS = 25_000;
/** Base64 and identifiers: few characters a token. */
const CHARACTERS_PER_TOKEN = 2;

const hasLink = ({ content }: Answer): boolean => content.some(({ type }) => type === 'resource_link');
const dataOf = ({ structuredContent }: Answer): string => JSON.stringify(structuredContent) ?? '';

function contentOf({ content }: Answer): Seen {
  return {
    text: content.map((part) => part.text ?? '').join('\n'),
    pictures: content.filter(({ type }) => type === 'image').length,
    links: content.flatMap(({ type, uri }) => (type === 'resource_link' && uri !== undefined ? [uri] : [])),
  };
}

const everything: Player = (answer) => {
  const seen = contentOf(answer);
  return { ...seen, text: `${seen.text}\n${dataOf(answer)}` };
};

/** Older clients take the whole result for broken. */
const refusingLinks: Player = (answer) => {
  if (hasLink(answer)) throw new Error('unknown content type resource_link');
  return everything(answer);
};

const preferringData: Player = (answer) =>
  answer.structuredContent === undefined ? contentOf(answer) : { text: dataOf(answer), pictures: 0, links: [] };

export const HOST_CLIENTS: readonly [clientName: string, player: Player][] = [
  [
    'claude-ai',
    (answer) => {
      if (JSON.stringify(answer).length > CLAUDE_DESKTOP_MAX_CHARACTERS) throw new Error('result is too large');
      if (hasLink(answer) && answer.content.length > 1) throw new Error('resource_link beside other content');
      return everything(answer);
    },
  ],
  [
    'claude-code',
    (answer) => {
      if (JSON.stringify(answer).length / CHARACTERS_PER_TOKEN > CLAUDE_CODE_MAX_TOKENS)
        throw new Error('result exceeds 25,000 tokens');
      return { ...preferringData(answer), links: [] };
    },
  ],
  ['Visual Studio Code', preferringData],
  [
    'cursor-vscode',
    (answer) => {
      if (answer.content.some(({ type }) => type === 'resource')) throw new Error('embedded resource');
      return contentOf(answer);
    },
  ],
  ['codex-mcp-client', refusingLinks],
  ['Cline', refusingLinks],
  ['Kiro', refusingLinks],
  ['github-copilot-developer', (answer) => ({ ...everything(answer), pictures: 0 })],
  ['some-agent-framework', everything],
];

/** A host that takes the text alone, or the data alone: each has to be complete. */
export const NARROW_CLIENTS: readonly [name: string, player: Player][] = [
  ['text alone', (answer) => ({ ...contentOf(answer), pictures: 0, links: [] })],
  ['data alone', (answer) => ({ text: dataOf(answer), pictures: 0, links: [] })],
];
