/** Errors of the protocol: of lines that cannot be taken, asked of the real program, and of requests, asked in memory. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { titled } from './markdown.ts';
import { calledText, jobService, serve } from './served.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

type Line = readonly [what: string, line: string | Uint8Array];

const request = (more: object): string => JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping', ...more });
const version = (name: string, more: object = {}) => ({
  params: { _meta: { 'io.modelcontextprotocol/protocolVersion': name, ...more } },
});
const initialize = {
  method: 'initialize',
  params: { protocolVersion: '2025-03-26', capabilities: {}, clientInfo: { name: 'a-host', version: '1.0.0' } },
};

const BEFORE_INITIALIZE: readonly Line[] = [
  ['half a message', '{"jsonrpc": "2.0",'],
  ['bytes that are no UTF-8', Uint8Array.of(0x22, 0xff, 0x22)],
  ['a text', '"ping"'],
  ['an empty batch', '[]'],
  ['a batch', `[${request({})}]`],
  ['without a method', '{"jsonrpc": "2.0", "id": 1}'],
  ['another version of JSON-RPC', request({ jsonrpc: '1.0' })],
  ['an id that is no whole number', request({ id: 1.5 })],
  ['a method that is no text', request({ method: 7 })],
  ['params that are a list', request({ params: [1] })],
  ['a request with a result', request({ result: {} })],
  ['a token for progress that is none', request({ params: { _meta: { progressToken: {} } } })],
  ['a version of the protocol that is not served', request(version('2030-01-01'))],
  ['a version without its capabilities', request({ method: 'tools/list', ...version('2026-07-28') })],
];
const AFTER_INITIALIZE: readonly Line[] = [
  ['initialize in a batch', `[${request(initialize)}]`],
  ['an id in use', `[${request({})},${request({})}]`],
  ['a line of more than 10 MiB', ' '.repeat(11 * 1024 ** 2)],
];

type Refused = { error?: { code: number; message: string } };

function errorLine(what: string, answer: Refused | readonly Refused[]): string {
  const error = [answer].flat().find((one) => one.error !== undefined)?.error;
  if (error === undefined) throw new Error(`${what} is taken`);
  return `- ${what}: ${error.code}, ${error.message}`;
}

/** By the transport of the program itself, one line after the other. */
async function lineErrors(): Promise<string[]> {
  const env = { PATH: process.env.PATH, FLUX_LOG_LEVEL: 'silent' };
  const program = spawn(process.execPath, [...process.execArgv, MAIN], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: 30_000,
  });
  // It stops reading within the line that is too long.
  program.stdin.on('error', () => undefined);
  const answers = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  const ask = async (line: string | Uint8Array): Promise<Refused | Refused[]> => {
    program.stdin.write(line);
    program.stdin.write('\n');
    const { value, done } = await answers.next();
    if (done) throw new Error('the program ended without an answer');
    return JSON.parse(value);
  };
  const shown: string[] = [];
  for (const [what, line] of BEFORE_INITIALIZE) shown.push(errorLine(what, await ask(line)));
  await ask(request(initialize));
  for (const [what, line] of AFTER_INITIALIZE) shown.push(errorLine(what, await ask(line)));
  program.kill();
  return shown;
}

const deep = (levels: number): object => (levels === 0 ? {} : { a: deep(levels - 1) });

const REQUESTS: readonly (readonly [what: string, method: string, params?: Record<string, unknown>])[] = [
  ['a method that there is not', 'images/generate'],
  ['a call without a name', 'tools/call', { arguments: {} }],
  ['a call with arguments that are no object', 'tools/call', { name: 'generate_image', arguments: 'a fox' }],
  ['an unknown tool', 'tools/call', { name: 'edit_image', arguments: {} }],
  ['parameters that are nested too deeply', 'tools/call', { name: 'list_jobs', arguments: deep(200) }],
  ['an unknown prompt', 'prompts/get', { name: 'compose' }],
  ['a prompt without what it needs', 'prompts/get', { name: 'compose_image_prompt', arguments: {} }],
  [
    'a prompt with another argument',
    'prompts/get',
    { name: 'review_image_prompt', arguments: { prompt: 'a fox', tone: 'kind' } },
  ],
  [
    'a completion for another template',
    'completion/complete',
    { ref: { type: 'ref/resource', uri: 'flux://users/{id}' }, argument: { name: 'id', value: '' } },
  ],
  [
    'a completion for another argument',
    'completion/complete',
    { ref: { type: 'ref/resource', uri: 'flux://jobs/{job_id}' }, argument: { name: 'id', value: '' } },
  ],
  [
    'a completion for an argument that no prompt has',
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'compose_image_prompt' }, argument: { name: 'tone', value: '' } },
  ],
  ['a cursor for a list of one page', 'tools/list', { cursor: 'page-2' }],
  ['a resource without a URI', 'resources/read', {}],
];

/** By the server, whatever the transport. */
async function requestErrors(): Promise<string[]> {
  const ask = await serve(jobService([]));
  return Promise.all(REQUESTS.map(async ([what, method, params]) => errorLine(what, await ask(method, params))));
}

export async function protocolErrors(): Promise<string> {
  const defect = await serve({});
  const otherOrigin = { origin: 'https://api.example', reported: false };
  const elsewhere = await serve(jobService([]), { otherOrigin });
  const lines = await lineErrors();
  const requests = await requestErrors();
  return [
    `**Lines that are refused**\n\n${lines.join('\n')}`,
    `**Requests that are refused**\n\n${requests.join('\n')}`,
    titled('A defect in a call', await calledText(defect, 'list_jobs')),
    titled('A defect in a call that orders', await calledText(defect, 'generate_image', { prompt: 'a fox' })),
    titled('The first answer with another origin', await calledText(elsewhere, 'list_jobs')),
  ].join('\n\n');
}
