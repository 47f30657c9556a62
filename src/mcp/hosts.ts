/** Who is calling, and what that host can take of a result: the parts that reach its model, and how large it may be. */
import type { ClientCapabilities, Implementation, Server, ServerContext } from '@modelcontextprotocol/server';
import { CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY } from '@modelcontextprotocol/server';
import { RESULT_CONTENT, type ResultPart } from '../core/ports.ts';
import { JULY_2026, JUNE_2025 } from './protocol.ts';
import { VIEWER_EXTENSION } from './uris.ts';

/** Pixels of the longer side of a picture inside an answer: models' APIs refuse larger ones where there are many. */
export const IMAGE_SIDE_MAX_PX = 2_000;

/** Serialized characters of a whole result with one picture, and of one with several; larger pictures are made smaller. */
const atMost = (maxCharacters: number, maxBatchCharacters = maxCharacters) => ({ maxCharacters, maxBatchCharacters });
/** Claude Desktop refuses results over 1,048,576 characters; what fits there fits every host that shows pictures. */
const LARGE = atMost(900_000);
/** Harmless even where the model reads the picture as Base64 text. */
const HARMLESS = atMost(16_000, 24_000);
/** How it counts a picture is not documented: at 1.5 characters a token this stays under its cap even as text. */
const CLAUDE_CODE = atMost(36_000);
const CLINE = atMost(7_900);

const WORDS: readonly ResultPart[] = ['text'];
const PICTURES: readonly ResultPart[] = ['text', 'image'];
const LINKS: readonly ResultPart[] = ['text', 'image', 'link'];
const DATA: readonly ResultPart[] = ['text', 'image', 'structured'];

const SEES_PICTURES = 'the model sees the picture';
const READS_BASE64 = 'the model reads pictures as Base64 text';
const PREFERS_DATA = 'reads structuredContent in place of all content';

/** Up to a protocol revision only text is safe; it declares that it can ask its user, and declines by itself. */
type Peculiarities = { textAloneUpTo?: string; declinesQuestions?: true };
const DECLINES: Peculiarities = { declinesQuestions: true };

/** @param host its name in docs/hosts.md @param clientNames how its client names begin, in lower case */
function row(
  host: string,
  clientNames: readonly string[],
  content: readonly ResultPart[],
  size: ReturnType<typeof atMost>,
  why: string,
  more: Peculiarities = {},
) {
  return { host, clientNames, content, ...size, why, ...more };
}

export type HostProfile = ReturnType<typeof row>;

const UNKNOWN_HOST = row(
  'any other host',
  [],
  DATA,
  HARMLESS,
  'many frameworks pass their own user’s label as the name, read pictures as Base64 text, and fail on a resource_link',
);

export const HOST_PROFILES: readonly HostProfile[] = [
  row('Claude Desktop', ['claude-ai'], DATA, LARGE, 'rejected a resource_link next to other content; caps the size'),
  row('Claude Code', ['claude-code'], PICTURES, CLAUDE_CODE, `${PREFERS_DATA}; caps a result at 25,000 tokens`),
  row('Codex', ['codex-mcp-client'], PICTURES, LARGE, PREFERS_DATA, DECLINES),
  row('VS Code', ['visual studio code', 'vscode'], LINKS, LARGE, 'drops content when structuredContent is present'),
  row('Cursor', ['cursor'], LINKS, LARGE, 'drops structuredContent'),
  row('Copilot CLI', ['copilot-cli', 'github-copilot'], WORDS, HARMLESS, 'pictures never reach the model', DECLINES),
  row('Gemini CLI', ['gemini-cli-mcp-client', 'mcp-test-client'], PICTURES, LARGE, SEES_PICTURES),
  row('opencode', ['opencode'], PICTURES, LARGE, SEES_PICTURES),
  row('Qwen Code', ['qwen-cli-mcp-client'], PICTURES, LARGE, SEES_PICTURES),
  row('Strands Agents', ['strands-agents-ts-sdk'], PICTURES, LARGE, SEES_PICTURES),
  row('pi', ['pi-mcp'], PICTURES, LARGE, SEES_PICTURES),
  row('Kimi Code', ['kimi-code'], PICTURES, LARGE, 'passes a resource_link to the model as the address of a picture'),
  row('Goose', ['goose'], PICTURES, LARGE, 'text next to a resource_link ends the session'),
  row('Cline', ['cline', '@cline/core'], WORDS, CLINE, 'turns the result into text and cuts it to 8,000 characters'),
  row(
    'AI SDK',
    ['ai-sdk-mcp-client'],
    PICTURES,
    atMost(16_000),
    'versions 4 and 5, which speak protocol 2025-06-18 or older, read pictures as Base64 text and fail on a resource_link',
    { textAloneUpTo: '2025-06-18' },
  ),
  row(
    'LangChain',
    ['@langchain/mcp-adapters', 'langchain-mcp-adapter'],
    WORDS,
    HARMLESS,
    'fails on a resource_link; with OpenAI chat completions a picture in a tool message is refused. With Anthropic models set `FLUX_RESULT=text,image`; with Google and OpenAI responses the picture would come as Base64 text',
  ),
  row('mcp-use', ['mcp-use'], WORDS, HARMLESS, READS_BASE64),
  row('LlamaIndex.TS', ['mcp-client-cli'], WORDS, HARMLESS, READS_BASE64),
  row('Continue CLI', ['continue-cli-client'], WORDS, HARMLESS, READS_BASE64),
  UNKNOWN_HOST,
];

export type HostIdentity = ReturnType<typeof identityOf>;

/** What requests of 2026-07-28 carry, and the SDK has checked. */
type Envelope = { [CLIENT_INFO_META_KEY]?: Implementation; [CLIENT_CAPABILITIES_META_KEY]?: ClientCapabilities };

/** From the request's own envelope (2026-07-28), else from what the connection agreed on at its beginning. */
export function identityOf(server: Server, { mcpReq }: ServerContext) {
  const protocolVersion = server.getNegotiatedProtocolVersion() ?? '';
  const asksInResults = protocolVersion >= JULY_2026;
  const envelope: Envelope = (asksInResults && mcpReq.envelope) || {};
  const clientName = (envelope[CLIENT_INFO_META_KEY] ?? server.getClientVersion())?.name;
  const { elicitation, extensions } = envelope[CLIENT_CAPABILITIES_META_KEY] ?? server.getClientCapabilities() ?? {};
  // A declaration without details means forms; a client may also declare that it only shows addresses.
  const hasForms = elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined);
  return {
    clientName,
    protocolVersion,
    /** It can put a question to its user. Earlier eras have no questions, whatever a client declares. */
    canAsk: hasForms && protocolVersion >= JUNE_2025 && profileNamed(clientName).declinesQuestions !== true,
    /** Its protocol puts questions into results and has no connections. */
    asksInResults,
    /** Agreed on for the whole connection. */
    isAgreed: protocolVersion !== '' && !asksInResults,
    showsViewer: extensions?.[VIEWER_EXTENSION] !== undefined,
  };
}

/** @param wanted what the user has set: it overrides the profile's parts and lowers none of its bounds */
export function profileOf(
  { clientName, protocolVersion = '' }: Partial<Pick<HostIdentity, 'clientName' | 'protocolVersion'>>,
  wanted: 'auto' | readonly ResultPart[] = 'auto',
): HostProfile {
  const profile = profileNamed(clientName);
  const isOld = profile.textAloneUpTo !== undefined && protocolVersion <= profile.textAloneUpTo;
  const usual = isOld ? WORDS : profile.content;
  const chosen = wanted === 'auto' ? usual : RESULT_CONTENT.filter((part) => wanted.includes(part));
  const content = protocolVersion >= JUNE_2025 ? chosen : chosen.filter((part) => part !== 'link');
  if (!content.includes('image') || profile.content.includes('image')) return { ...profile, content };
  // The bound of a host that takes text alone may have no room for a picture that the user wants.
  return { ...profile, ...HARMLESS, content };
}

/** Longer than any name of a real client. */
const NAME_MAX_CHARACTERS = 200;
const CONTROL = /\p{Cc}/u;
const WORD = /^[\p{L}\p{N}]/u;

/** Its name begins with one that no letter or digit follows: "cursor-vscode" is Cursor, "cursory" is not. */
export function profileNamed(clientName = ''): HostProfile {
  const given = clientName.trim().toLowerCase();
  if (clientName.length > NAME_MAX_CHARACTERS || CONTROL.test(given)) return UNKNOWN_HOST;
  const isNamed = (name: string): boolean => given.startsWith(name) && !WORD.test(given.slice(name.length));
  return HOST_PROFILES.find(({ clientNames }) => clientNames.some(isNamed)) ?? UNKNOWN_HOST;
}
