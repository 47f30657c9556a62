/** The clients that are driven, and what is expected of each: a change here is a change of what users of it get. */
import type { DialectName } from './fake-model/conversation.ts';

/**
 * What of a picture reaches the model: the picture; Base64 as text, which it cannot read and pays for; or nothing.
 * The files are named in the text everywhere.
 */
export type PictureSeen = 'picture' | 'base64' | 'none';

export type ClientRow = {
  /** Folder below clients/, where its packages are pinned. */
  client: string;
  /** For people. */
  title: string;
  /** The package whose version is shown. */
  package: string;
  dialect: DialectName;
  /** Settings of the server that the documents recommend for this client. */
  settings?: Record<string, string>;
  expected: PictureSeen;
  /**
   * How a call is cut short: by the client's own setting, by the app's abort signal, or not at all: there is neither, or
   * the server's progress extends the time (opencode).
   */
  timeout: 'setting' | 'abort signal' | 'none';
};

type Product = Omit<ClientRow, 'dialect' | 'expected'>;

const rows = (product: Product, seen: Partial<Record<DialectName, PictureSeen>>): ClientRow[] =>
  Object.entries(seen).map(([dialect, expected]) => ({ ...product, dialect: dialect as DialectName, expected }));

const WITH_PICTURES = { FLUX_RESULT: 'text,image' };

export const CLIENTS: readonly ClientRow[] = [
  ...rows(
    { client: 'openai-agents', title: 'OpenAI Agents', package: '@openai/agents', timeout: 'setting' },
    { responses: 'picture', chat: 'none' },
  ),
  ...rows(
    { client: 'ai-sdk-4', title: 'AI SDK 4', package: 'ai', timeout: 'abort signal' },
    { chat: 'none', responses: 'none', anthropic: 'none', gemini: 'none' },
  ),
  ...rows(
    { client: 'ai-sdk-5', title: 'AI SDK 5', package: 'ai', timeout: 'abort signal' },
    { chat: 'none', responses: 'none', anthropic: 'none', gemini: 'none' },
  ),
  ...rows(
    { client: 'ai-sdk-6', title: 'AI SDK 6', package: 'ai', timeout: 'abort signal' },
    { chat: 'base64', responses: 'picture', anthropic: 'picture', gemini: 'picture' },
  ),
  ...rows(
    { client: 'ai-sdk-7', title: 'AI SDK 7', package: 'ai', timeout: 'abort signal' },
    { chat: 'base64', responses: 'picture', anthropic: 'picture', gemini: 'picture' },
  ),
  ...rows(
    { client: 'langchain-0', title: 'LangChain.js 0.3', package: '@langchain/mcp-adapters', timeout: 'setting' },
    { chat: 'none', responses: 'none', anthropic: 'none', gemini: 'none' },
  ),
  ...rows(
    { client: 'langchain-1', title: 'LangChain.js 1', package: '@langchain/mcp-adapters', timeout: 'setting' },
    { chat: 'none', responses: 'none', anthropic: 'none', gemini: 'none' },
  ),
  ...rows(
    {
      client: 'langchain-1',
      title: 'LangChain.js 1, FLUX_RESULT=text,image',
      package: '@langchain/mcp-adapters',
      timeout: 'setting',
      settings: WITH_PICTURES,
    },
    { responses: 'base64', anthropic: 'picture', gemini: 'base64' },
  ),
  ...rows(
    {
      client: 'langchain-0',
      title: 'LangChain.js 0.3, FLUX_RESULT=text,image',
      package: '@langchain/mcp-adapters',
      timeout: 'setting',
      settings: WITH_PICTURES,
    },
    { responses: 'base64', anthropic: 'picture', gemini: 'base64' },
  ),
  ...rows(
    { client: 'mastra', title: 'Mastra', package: '@mastra/mcp', timeout: 'setting' },
    { responses: 'none', anthropic: 'none', gemini: 'none' },
  ),
  ...rows(
    {
      client: 'mastra',
      title: 'Mastra, FLUX_RESULT=text,image',
      package: '@mastra/mcp',
      timeout: 'setting',
      settings: WITH_PICTURES,
    },
    { responses: 'picture', anthropic: 'picture', gemini: 'picture' },
  ),
  ...rows(
    { client: 'mcp-use', title: 'mcp-use', package: 'mcp-use', timeout: 'none' },
    { chat: 'none', anthropic: 'none' },
  ),
  ...rows(
    { client: 'anthropic-sdk', title: 'Anthropic SDK, tool runner', package: '@anthropic-ai/sdk', timeout: 'setting' },
    { anthropic: 'picture' },
  ),
  ...rows(
    { client: 'codex', title: 'Codex CLI', package: '@openai/codex', timeout: 'setting' },
    { responses: 'picture' },
  ),
  ...rows(
    { client: 'gemini-cli', title: 'Gemini CLI', package: '@google/gemini-cli', timeout: 'setting' },
    { gemini: 'picture' },
  ),
  ...rows({ client: 'opencode', title: 'opencode', package: 'opencode-ai', timeout: 'none' }, { chat: 'picture' }),
  ...rows({ client: 'google-adk', title: 'Google ADK', package: '@google/adk', timeout: 'none' }, { gemini: 'base64' }),
  ...rows(
    { client: 'strands', title: 'Strands Agents', package: '@strands-agents/sdk', timeout: 'abort signal' },
    { chat: 'picture', responses: 'picture', anthropic: 'picture', gemini: 'picture' },
  ),
  ...rows(
    { client: 'voltagent', title: 'VoltAgent', package: '@voltagent/core', timeout: 'setting' },
    { responses: 'base64', anthropic: 'base64' },
  ),
  ...rows({ client: 'genkit', title: 'Genkit', package: '@genkit-ai/mcp', timeout: 'none' }, { gemini: 'none' }),
  ...rows(
    { client: 'llamaindex', title: 'LlamaIndex.TS', package: '@llamaindex/tools', timeout: 'none' },
    { chat: 'none' },
  ),
  ...rows(
    { client: 'copilot-cli', title: 'Copilot CLI', package: '@github/copilot', timeout: 'none' },
    { chat: 'none', responses: 'none', anthropic: 'none' },
  ),
  ...rows(
    { client: 'qwen-code', title: 'Qwen Code', package: '@qwen-code/qwen-code', timeout: 'setting' },
    { chat: 'picture' },
  ),
  ...rows(
    { client: 'kimi-code', title: 'Kimi Code', package: '@moonshot-ai/kimi-code', timeout: 'setting' },
    { chat: 'picture', responses: 'picture', anthropic: 'picture' },
  ),
  ...rows(
    { client: 'continue-cli', title: 'Continue CLI', package: '@continuedev/cli', timeout: 'none' },
    { chat: 'none' },
  ),
  ...rows({ client: 'cline-cli', title: 'Cline CLI', package: 'cline', timeout: 'setting' }, { chat: 'none' }),
];

export const labelOf = ({ title, dialect }: ClientRow): string => `${title} (${dialect})`;
