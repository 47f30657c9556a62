/** What each host can take of a result: the parts that reach its user, and how large a result may be. */
import type { ResultPart } from '../core/result-part.ts';

export type HostProfile = {
  /** For documents. */
  host: string;
  /** How its client names begin, in lower case. Prefixes: "contains vscode" would take Cursor for VS Code. */
  clientNames: readonly string[];
  parts: readonly ResultPart[];
  /** Serialized characters of a whole result. A larger picture is made smaller; file and url stay in the text. */
  maxResultCharacters: number;
  why: string;
};

/** Claude Desktop refuses results over 1,048,576 characters; what fits there fits every host that counts characters. */
const CHARACTERS = 900_000;
/**
 * Claude Code caps a result at 25,000 tokens. How it counts a picture is not documented; Base64 text is about two
 * characters a token, so this stays under the cap even if it counts the picture as text.
 */
const CHARACTERS_UNDER_TOKEN_CAP = 48_000;

/** Pixels of the longer side of a picture inside an answer: models' APIs refuse larger ones where there are many. */
export const IMAGE_SIDE_MAX_PX = 2_000;

const UNKNOWN_HOST: HostProfile = {
  host: 'any other host',
  clientNames: [],
  parts: ['text', 'image', 'structured', 'link'],
  maxResultCharacters: CHARACTERS,
  why: 'the whole result; the link only from protocol 2025-06-18 on, which defined it',
};

export const HOST_PROFILES: readonly HostProfile[] = [
  {
    host: 'Claude Desktop',
    clientNames: ['claude-ai'],
    parts: ['text', 'image', 'structured'],
    maxResultCharacters: CHARACTERS,
    why: 'rejected a result that mixed a resource_link with other content',
  },
  {
    host: 'Claude Code',
    clientNames: ['claude-code'],
    parts: ['text', 'image'],
    maxResultCharacters: CHARACTERS_UNDER_TOKEN_CAP,
    why: 'drops all content when structuredContent is present; ignores resource_link; caps a result at 25,000 tokens',
  },
  {
    host: 'VS Code',
    clientNames: ['visual studio code', 'vscode'],
    parts: ['text', 'image', 'link'],
    maxResultCharacters: CHARACTERS,
    why: 'drops content when structuredContent is present',
  },
  {
    host: 'Cursor',
    clientNames: ['cursor'],
    parts: ['text', 'image', 'link'],
    maxResultCharacters: CHARACTERS,
    why: 'drops structuredContent',
  },
  {
    host: 'Codex',
    clientNames: ['codex-mcp-client'],
    parts: ['text', 'image', 'structured'],
    maxResultCharacters: CHARACTERS,
    why: 'rejects a whole result that holds a resource_link',
  },
  {
    host: 'Cline',
    clientNames: ['cline'],
    parts: ['text', 'image', 'structured'],
    maxResultCharacters: CHARACTERS,
    why: 'older versions throw on resource_link',
  },
  {
    host: 'Kiro',
    clientNames: ['kiro'],
    parts: ['text', 'image', 'structured'],
    maxResultCharacters: CHARACTERS,
    why: 'older versions throw on resource_link',
  },
  {
    host: 'Copilot CLI',
    clientNames: ['github-copilot', 'copilot'],
    parts: ['text', 'structured', 'link'],
    maxResultCharacters: CHARACTERS,
    why: 'pictures never reach the model; text does',
  },
  UNKNOWN_HOST,
];

/** Who is calling, as far as the client says. */
export type HostIdentity = {
  clientName?: string;
  protocolVersion?: string;
  /** Whether it can put a question to its user. */
  canAsk?: boolean;
  /** Whether it shows the viewer beside a result. */
  showsViewer?: boolean;
};

/** Protocol revision that defined `resource_link`; revisions are dates and compare as text. */
const LINKS_SINCE = '2025-06-18';

export function profileOf(identity: HostIdentity): HostProfile {
  const name = identity.clientName?.trim().toLowerCase() ?? '';
  const profile =
    HOST_PROFILES.find((known) => known.clientNames.some((prefix) => name.startsWith(prefix))) ?? UNKNOWN_HOST;
  if (identity.protocolVersion !== undefined && identity.protocolVersion >= LINKS_SINCE) return profile;
  return { ...profile, parts: profile.parts.filter((part) => part !== 'link') };
}
