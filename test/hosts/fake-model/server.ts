/**
 * A model API on loopback, in four dialects. It reads aloud from a script: each turn of the agent gets the next call of
 * the script, and what comes back of the tool is what a model receives. Requests that the real APIs are documented to
 * refuse are refused.
 *
 * What it cannot know: refusals that nobody has documented, how many tokens a picture costs, whether a real model would
 * make these calls, and what a provider's gateway cuts off on the way.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { anthropic } from './anthropic.ts';
import {
  type Answer,
  type Conversation,
  callIdOf,
  type Dialect,
  isRecord,
  newId,
  type OfferedTool,
  type Received,
  Refusal,
} from './conversation.ts';
import { gemini } from './gemini.ts';
import { openAiChat } from './openai-chat.ts';
import { openAiResponses } from './openai-responses.ts';

/** A call that the model makes. */
export type Step = { tool: string; arguments: Record<string, unknown> };

export type FakeModel = {
  url: string;
  /** Starts over: the calls that the model makes next, one a turn; then it ends with a text. */
  play(steps: readonly Step[]): void;
  /** What each call of the script got, in order; absent where the client ended before it told the model. */
  received(): (Received | undefined)[];
  /** Requests that were refused, with the reason. */
  refusals(): string[];
  /** Tools of the request that had most: some offer them by and by. */
  offered(): OfferedTool[];
  /** Dialects that were spoken. */
  dialects(): string[];
  /** Paths that it does not know. */
  strangers(): string[];
  close(): Promise<void>;
};

export const FAREWELL = 'Done: the picture is finished.';
const BODY_BYTES_MAX = 64 * 1_024 * 1_024;

function dialectOf(path: string): Dialect | undefined {
  if (path.endsWith('/chat/completions')) return openAiChat;
  if (path.endsWith('/responses')) return openAiResponses;
  if (path.endsWith('/messages')) return anthropic;
  if (/:(?:generateContent|streamGenerateContent)$/u.test(path)) return gemini;
  return undefined;
}

export async function startFakeModel(): Promise<FakeModel> {
  let script: Step[] = [];
  let turn = 0;
  const received = new Map<number, Received>();
  const refusals: string[] = [];
  const dialects = new Set<string>();
  const strangers = new Set<string>();
  let offered: OfferedTool[] = [];

  /** Ids that stand for the calls of the script: its own, and what the call says. */
  const calls = new Map<string, number>();

  function note(conversation: Conversation): void {
    for (const result of conversation.results) {
      const at = calls.get(result.callId);
      // The first telling counts: later ones are often shortened copies in the history.
      if (at !== undefined && !received.has(at)) received.set(at, result);
    }
  }

  function answerTo(conversation: Conversation): Answer {
    note(conversation);
    const step = script[turn];
    // A request without our tools is the client's own: a title, a summary.
    if (step === undefined) return { text: FAREWELL };
    const tool = toolNamed(conversation.tools, step.tool);
    if (tool === undefined) return { text: FAREWELL };
    const call = { id: newId('call'), name: tool.name, arguments: step.arguments };
    calls.set(call.id, turn).set(callIdOf(call.name, call.arguments), turn);
    turn += 1;
    return { call: tool.namespace === undefined ? call : { ...call, namespace: tool.namespace } };
  }

  const server = createServer((request, response) => {
    void respond(request, response).catch((error: unknown) => {
      refusals.push(`the fake model failed: ${error instanceof Error ? error.stack : String(error)}`);
      response.writeHead(500).end();
    });
  });

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    if (path.endsWith('/count_tokens')) return send(response, 200, { input_tokens: 100 });
    if (path.endsWith(':countTokens')) return send(response, 200, { totalTokens: 100 });
    const dialect = request.method === 'POST' ? dialectOf(path) : undefined;
    if (dialect === undefined) {
      strangers.add(`${request.method} ${path}`);
      return send(response, 404, openAiChat.refusal(`${path} not found`));
    }
    const body = await readJson(request);
    if (!isRecord(body)) return send(response, 400, dialect.refusal('the body is not a JSON object'));
    try {
      const conversation = dialect.read(body, path);
      if (conversation.tools.length > offered.length) offered = conversation.tools;
      dialects.add(dialect.name);
      const model = typeof body.model === 'string' ? body.model : 'fake';
      const reply = dialect.write(answerTo(conversation), conversation, model);
      if ('json' in reply) return send(response, 200, reply.json);
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
      for (const { event, data } of reply.events)
        response.write(
          `${event === undefined ? '' : `event: ${event}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`,
        );
      response.end();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refusals.push(error.message);
      send(response, 400, dialect.refusal(error.message));
    }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    play: (steps) => {
      script = [...steps];
      turn = 0;
      calls.clear();
      received.clear();
      refusals.length = 0;
      dialects.clear();
      strangers.clear();
      offered = [];
    },
    received: () => script.map((_step, at) => received.get(at)),
    refusals: () => [...refusals],
    offered: () => offered,
    dialects: () => [...dialects],
    strangers: () => [...strangers],
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Clients put a name of the server before the tool's. */
export function toolNamed(tools: readonly OfferedTool[], wanted: string): OfferedTool | undefined {
  return (
    tools.find(({ name }) => name === wanted) ??
    tools.find(({ name }) => new RegExp(`[^a-z]${wanted}$`, 'u').test(name))
  );
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > BODY_BYTES_MAX) throw new Refusal('Request too large.');
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  const encoding = request.headers['content-encoding'];
  const plain = encoding === 'gzip' ? gunzipSync(bytes) : encoding === 'br' ? brotliDecompressSync(bytes) : bytes;
  try {
    return JSON.parse(plain.toString('utf8'));
  } catch {
    return undefined;
  }
}
