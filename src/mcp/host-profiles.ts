/** What each host can take of a result: the parts that reach its model, and how large a result may be. */
import { RESULT_CONTENT, type ResultPart } from '../core/result-part.ts';
import { isSince, JUNE_2025 } from './protocol-eras.ts';

export type HostProfile = {
  /** The name in docs/hosts.md. */
  host: string;
  /** How its client names begin, in lower case. */
  clientNames: readonly string[];
  content: readonly ResultPart[];
  /** Up to this protocol revision only text is safe. */
  textAloneUpTo?: string;
  /** It declares that it can ask its user, and declines by itself without showing anything. */
  declinesQuestions?: true;
  /** Serialized characters of a whole result with one picture; larger pictures are made smaller. */
  maxCharacters: number;
  /** The same for a call for several pictures. */
  maxBatchCharacters: number;
  why: string;
};

/** Claude Desktop refuses results over 1,048,576 characters; what fits there fits every host that shows pictures. */
const LARGE = { maxCharacters: 900_000, maxBatchCharacters: 900_000 };
/** Harmless even where the model reads the picture as Base64 text. */
const HARMLESS = { maxCharacters: 16_000, maxBatchCharacters: 24_000 };

const PICTURES = { content: ['text', 'image'], ...LARGE } as const;
const LINKS = { content: ['text', 'image', 'link'], ...LARGE } as const;
const WORDS = { content: ['text'], ...HARMLESS } as const;

const SEES_PICTURES = 'the model sees the picture';
const READS_BASE64 = 'the model reads pictures as Base64 text';
const PREFERS_DATA = 'reads structuredContent in place of all content';

/** Pixels of the longer side of a picture inside an answer: models' APIs refuse larger ones where there are many. */
export const IMAGE_SIDE_MAX_PX = 2_000;

const UNKNOWN_HOST: HostProfile = {
  host: 'any other host',
  clientNames: [],
  content: ['text', 'image', 'structured'],
  ...HARMLESS,
  why: 'many frameworks pass their own user’s label as the name, read pictures as Base64 text, and fail on a resource_link',
};

export const HOST_PROFILES: readonly HostProfile[] = [
  {
    host: 'Claude Desktop',
    clientNames: ['claude-ai'],
    content: ['text', 'image', 'structured'],
    ...LARGE,
    why: 'rejected a result that mixed a resource_link with other content; refuses results over 1,048,576 characters',
  },
  {
    host: 'Claude Code',
    clientNames: ['claude-code'],
    content: ['text', 'image'],
    // How it counts a picture is not documented: at 1.5 characters a token this stays under the cap even as text.
    maxCharacters: 36_000,
    maxBatchCharacters: 36_000,
    why: `${PREFERS_DATA}; caps a result at 25,000 tokens`,
  },
  { host: 'Codex', clientNames: ['codex-mcp-client'], ...PICTURES, declinesQuestions: true, why: PREFERS_DATA },
  {
    host: 'VS Code',
    clientNames: ['visual studio code', 'vscode'],
    ...LINKS,
    why: 'drops content when structuredContent is present',
  },
  { host: 'Cursor', clientNames: ['cursor'], ...LINKS, why: 'drops structuredContent' },
  {
    host: 'Copilot CLI',
    clientNames: ['copilot-cli', 'github-copilot'],
    ...WORDS,
    declinesQuestions: true,
    why: 'pictures never reach the model; text does',
  },
  { host: 'Gemini CLI', clientNames: ['gemini-cli-mcp-client', 'mcp-test-client'], ...PICTURES, why: SEES_PICTURES },
  { host: 'opencode', clientNames: ['opencode'], ...PICTURES, why: SEES_PICTURES },
  { host: 'Qwen Code', clientNames: ['qwen-cli-mcp-client'], ...PICTURES, why: SEES_PICTURES },
  { host: 'Strands Agents', clientNames: ['strands-agents-ts-sdk'], ...PICTURES, why: SEES_PICTURES },
  { host: 'pi', clientNames: ['pi-mcp'], ...PICTURES, why: SEES_PICTURES },
  {
    host: 'Kimi Code',
    clientNames: ['kimi-code'],
    ...PICTURES,
    why: "passes a resource_link to the model's API as the address of a picture",
  },
  { host: 'Goose', clientNames: ['goose'], ...PICTURES, why: 'text next to a resource_link ends the session' },
  {
    host: 'Cline',
    clientNames: ['cline', '@cline/core'],
    content: ['text'],
    maxCharacters: 7_900,
    maxBatchCharacters: 7_900,
    why: 'turns the result into text and cuts it to 8,000 characters',
  },
  {
    host: 'AI SDK',
    clientNames: ['ai-sdk-mcp-client'],
    content: ['text', 'image'],
    textAloneUpTo: '2025-06-18',
    maxCharacters: 16_000,
    maxBatchCharacters: 16_000,
    why: 'versions 4 and 5, which speak protocol 2025-06-18 or older, read pictures as Base64 text and fail on a resource_link',
  },
  {
    host: 'LangChain',
    clientNames: ['@langchain/mcp-adapters', 'langchain-mcp-adapter'],
    ...WORDS,
    why: 'fails on a resource_link; with OpenAI chat completions a picture in a tool message is refused. With Anthropic models set `FLUX_RESULT=text,image`; with Google and OpenAI responses the picture would come as Base64 text',
  },
  { host: 'mcp-use', clientNames: ['mcp-use'], ...WORDS, why: READS_BASE64 },
  { host: 'LlamaIndex.TS', clientNames: ['mcp-client-cli'], ...WORDS, why: READS_BASE64 },
  { host: 'Continue CLI', clientNames: ['continue-cli-client'], ...WORDS, why: READS_BASE64 },
  UNKNOWN_HOST,
];

/** Who is calling, as far as the client says. */
export type HostIdentity = {
  clientName?: string;
  protocolVersion?: string;
  /** Whether it can put a question to its user. */
  canAsk?: boolean;
  /** Its protocol puts questions into results and has no connections. */
  asksInResults?: boolean;
  /** Whether it shows the viewer next to a result. */
  showsViewer?: boolean;
};

/** @param wanted what the user has set: it overrides the profile's parts and lowers none of its bounds */
export function profileOf(
  { clientName, protocolVersion }: HostIdentity,
  wanted: 'auto' | readonly ResultPart[] = 'auto',
): HostProfile {
  const profile = profileNamed(clientName);
  const isOld = profile.textAloneUpTo !== undefined && (protocolVersion ?? '') <= profile.textAloneUpTo;
  const usual: readonly ResultPart[] = isOld ? ['text'] : profile.content;
  const chosen = wanted === 'auto' ? usual : RESULT_CONTENT.filter((part) => wanted.includes(part));
  const content = isSince(JUNE_2025, protocolVersion) ? chosen : chosen.filter((part) => part !== 'link');
  if (!content.includes('image') || profile.content.includes('image')) return { ...profile, content };
  // The bound of a host that takes text alone has no room for a picture that the user wants.
  return {
    ...profile,
    content,
    maxCharacters: Math.max(profile.maxCharacters, UNKNOWN_HOST.maxCharacters),
    maxBatchCharacters: Math.max(profile.maxBatchCharacters, UNKNOWN_HOST.maxBatchCharacters),
  };
}

export function profileNamed(clientName: string | undefined): HostProfile {
  return HOST_PROFILES.find(({ clientNames }) => isNamed(clientName, clientNames)) ?? UNKNOWN_HOST;
}

/** Longer than any name of a real client. */
const NAME_MAX_CHARACTERS = 200;
const CONTROL = /\p{Cc}/u;
const WORD = /^[\p{L}\p{N}]/u;

/**
 * Whether the name is one of these, in lower case, or begins with one that no letter or digit follows: "cursor-vscode"
 * is Cursor, "copilot-client" is not the Copilot CLI.
 */
function isNamed(clientName: string | undefined, names: readonly string[]): boolean {
  if (clientName === undefined || clientName.length > NAME_MAX_CHARACTERS) return false;
  const given = clientName.trim().toLowerCase();
  if (CONTROL.test(given)) return false;
  return names.some((name) => given.startsWith(name) && !WORD.test(given.slice(name.length)));
}
