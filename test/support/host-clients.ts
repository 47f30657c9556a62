/** Plays what each host's client does with a result, by what was measured of it: refuses, drops, or passes on. */
import type { Answer } from './start-client.ts';

/** What reaches the model or the user of that host. */
export type Seen = { text: string; pictures: number; links: string[] };

type Player = (answer: Answer) => Seen;

const CLAUDE_DESKTOP_MAX_CHARACTERS = 1_048_576;
const CLAUDE_CODE_MAX_TOKENS = 25_000;
const CLINE_MAX_CHARACTERS = 8_000;
/** Of Base64 text, with OpenAI's tokenizers. */
const CHARACTERS_PER_TOKEN = 1.5;

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

/** Takes the whole result for broken, after the picture was paid. */
const refusingLinks: Player = (answer) => {
  if (hasLink(answer)) throw new Error('unknown content type resource_link');
  return contentOf(answer);
};

const preferringData: Player = (answer) =>
  answer.structuredContent === undefined ? contentOf(answer) : { text: dataOf(answer), pictures: 0, links: [] };

/** Turns all of it into text, pictures too. */
const stringifying =
  (maxCharacters: number): Player =>
  (answer) => {
    refusingLinks(answer);
    const text = answer.content.map((part) => (part.type === 'text' ? part.text : JSON.stringify(part))).join('\n\n');
    return { text: text.slice(0, maxCharacters), pictures: 0, links: [] };
  };

/** What one picture may cost as text: some thousand tokens. */
const UNKNOWN_MAX_CHARACTERS = 24_000;

export const HOST_CLIENTS: readonly [clientName: string, player: Player][] = [
  [
    'claude-ai',
    (answer) => {
      if (JSON.stringify(answer).length > CLAUDE_DESKTOP_MAX_CHARACTERS) throw new Error('result is too large');
      if (hasLink(answer) && answer.content.length > 1) throw new Error('resource_link next to other content');
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
  ['codex-mcp-client', preferringData],
  ['Cline', stringifying(CLINE_MAX_CHARACTERS)],
  ['kimi-code', refusingLinks],
  ['goose', refusingLinks],
  ['gemini-cli-mcp-client', contentOf],
  ['github-copilot-developer', (answer) => ({ ...contentOf(answer), pictures: 0 })],
  ['@langchain/mcp-adapters', stringifying(UNKNOWN_MAX_CHARACTERS)],
  ['mcp-use', stringifying(UNKNOWN_MAX_CHARACTERS)],
  ['some-agent-framework', refusingLinks],
  [
    "the user's own label",
    (answer) => {
      if (JSON.stringify(answer).length > UNKNOWN_MAX_CHARACTERS) throw new Error('result is too large to be text');
      return everything(answer);
    },
  ],
];

/** Clients through which no picture is seen: as text it is the same to them as none. */
export const WITHOUT_PICTURES = ['Cline', 'github-copilot-developer', '@langchain/mcp-adapters', 'mcp-use'];

/** A host that takes the text alone, or the data alone: each has to be complete. */
export const NARROW_CLIENTS: readonly [name: string, player: Player][] = [
  ['text alone', (answer) => ({ ...contentOf(answer), pictures: 0, links: [] })],
  ['data alone', (answer) => ({ text: dataOf(answer), pictures: 0, links: [] })],
  ['data in place of content', preferringData],
  ['all of it as text', stringifying(UNKNOWN_MAX_CHARACTERS)],
];
