/** The three cases that each client goes through, and what has to be true of what its model received. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClientRow, labelOf, type PictureSeen } from './clients.ts';
import { driveClient, type Outcome } from './drive-client.ts';
import type { OfferedTool, Received } from './fake-model/conversation.ts';
import { FAREWELL, type Step, startFakeModel, toolNamed } from './fake-model/server.ts';
import { openStage, type ServerRecord, type Stage } from './stage.ts';

export type CaseName = 'one picture' | 'nine pictures' | 'time-out';

export type CaseReport = {
  problems: string[];
  /** Characters that reach the model as text, and the pictures that reach it as pictures. */
  characters: number;
  pictures: number;
  seen: PictureSeen;
  clientName: string;
  protocol: string;
  /** For whoever looks into a failure. */
  output: string;
};

const ONE = { prompt: 'a heron in the reeds at dawn', width: 1024, height: 1024 };
const NINE = Array.from({ length: 9 }, (_, at) => ({ ...ONE, prompt: `a heron, season ${at + 1}` }));

/** What a result may cost a model, as text. */
const CHARACTERS_MAX = { 'one picture': 30_000, 'nine pictures': 60_000, 'time-out': 30_000 };
const JOB_SECONDS = { 'one picture': 1, 'nine pictures': 1, 'time-out': 9 };
const CLIENT_PATIENCE_MS = 3_000;
const END_PATIENCE_MS = 15_000;

const STEPS: Record<CaseName, readonly Step[]> = {
  'one picture': [{ tool: 'generate_image', arguments: ONE }],
  'nine pictures': [{ tool: 'generate_images', arguments: { images: NINE } }],
  'time-out': [
    { tool: 'generate_image', arguments: ONE },
    { tool: 'list_jobs', arguments: { limit: 5 } },
    // Waits for less than the client does, so that this answer arrives in any case.
    { tool: 'generate_image', arguments: { ...ONE, wait_seconds: 0 } },
  ],
};

export async function runCase(name: CaseName, row: ClientRow, node: string): Promise<CaseReport> {
  const stage = await openStage(JOB_SECONDS[name], row.settings ?? {});
  const model = await startFakeModel();
  try {
    model.play(STEPS[name]);
    // A turn that ends with the time-out is followed by another one of the user.
    const prompts = name === 'time-out' ? ['Make the picture.', 'Where is it?'] : ['Make the picture.'];
    const patience = name === 'time-out' ? { timeoutMs: CLIENT_PATIENCE_MS } : {};
    const outcome = await driveClient(row, stage, { dialect: row.dialect, url: model.url, prompts, ...patience }, node);
    const left = await stillRunning(stage);
    const records = await stage.records();
    const received = model.received();
    const charges = await stage.charges();
    const problems = [
      ...model.refusals().map((reason) => `the model API refused a request: ${reason}`),
      ...(model.dialects().every((dialect) => dialect === row.dialect) ? [] : [`spoke ${model.dialects().join(', ')}`]),
      ...toolsMissing(model.offered(), records),
      ...left.map(({ pid }) => `the server is still running (${pid})`),
      ...(name === 'time-out'
        ? timeoutProblems(received, records, charges)
        : orderProblems(name, received[0], records, charges, outcome, row)),
    ];
    const worst = received.filter((one) => one !== undefined).sort((a, b) => b.text.length - a.text.length)[0];
    return {
      problems,
      characters: worst?.text.length ?? 0,
      pictures: received[0]?.pictures.length ?? 0,
      seen: seenIn(received[0]),
      clientName: records.flatMap(({ clientName }) => clientName ?? []).at(-1) ?? '',
      protocol: records.flatMap(({ protocol }) => protocol ?? []).at(-1) ?? '',
      output: [
        `${labelOf(row)}, ${name}`,
        `strangers: ${model.strangers().join(', ')}; tools: ${model
          .offered()
          .map((tool) => tool.name)
          .join(', ')}`,
        ...received.map(
          (one, at) =>
            `received ${at}: ${one?.pictures.length} pictures, ${one?.text.length} characters: ${one?.text.slice(0, 1_500)}`,
        ),
        outcome.output.slice(-6_000),
      ].join('\n'),
    };
  } finally {
    await model.close();
    await stage.close();
  }
}

/** A client that drops a tool in silence, for its schema or its description, leaves the model without it. */
function toolsMissing(offered: readonly OfferedTool[], records: readonly ServerRecord[]): string[] {
  const missing = [...new Set(records.flatMap(({ tools }) => tools))].filter(
    (name) => toolNamed(offered, name) === undefined,
  );
  return missing.length === 0 ? [] : [`the client does not offer ${missing.join(', ')} to the model`];
}

function orderProblems(
  name: 'one picture' | 'nine pictures',
  received: Received | undefined,
  records: readonly ServerRecord[],
  charges: number,
  outcome: Outcome,
  { expected }: ClientRow,
): string[] {
  const problems: string[] = [];
  const wanted = name === 'one picture' ? 1 : 9;
  if (charges !== wanted) problems.push(`${charges} charges for ${wanted} pictures`);
  if (outcome.timedOut) problems.push('the client did not end');
  else if (outcome.code !== 0) problems.push(`the client ended with exit code ${outcome.code}`);
  if (!outcome.output.includes(FAREWELL)) problems.push('the user does not get the model’s last words');
  if (received === undefined) return [...problems, 'nothing of the result reached the model'];
  const text = unescaped(received.text);
  const missing = factsOf(records).filter((fact) => !text.includes(fact));
  if (missing.length > 0)
    problems.push(
      `the model does not receive ${missing.length} facts, the first of them ${JSON.stringify(missing[0])}`,
    );
  if (received.text.length > CHARACTERS_MAX[name])
    problems.push(`${received.text.length} characters reach the model as text; at most ${CHARACTERS_MAX[name]} may`);
  const seen = seenIn(received);
  if (seen !== expected) problems.push(`expected of the picture: ${expected}; seen: ${seen}`);
  return problems;
}

function timeoutProblems(
  [first, list, again]: readonly (Received | undefined)[],
  records: readonly ServerRecord[],
  charges: number,
): string[] {
  const problems: string[] = [];
  if (charges !== 1) problems.push(`${charges} charges for one picture`);
  const id = jobIdsOf(records)[0];
  if (id === undefined) return [...problems, 'no answer of the server has a job id'];
  if (first?.text.includes(id))
    problems.push('the call was answered before the client lost patience: nothing was tested');
  if (!list?.text.includes(id)) problems.push('list_jobs does not show the job to the model');
  if (!again?.text.includes(id)) problems.push('the same call does not find the job for the model');
  return problems;
}

const JOB_LINE = /^Job: (\S+)/gmu;
const FILE_LINE = /^ *File: (.+)$/gmu;
const NEXT_LINE = /^Next: (.+)$/gmu;
const BATCH_JOB = /, job (\S+)$/gmu;

type Result = { content?: { type: string; text?: string }[]; structuredContent?: Record<string, unknown> };

const textOf = (results: readonly unknown[]): string =>
  (results as Result[]).flatMap(({ content = [] }) => content.map(({ text }) => text ?? '')).join('\n');

/** What must not be missing, by the text that left the server: job, file, and what to do next. */
function factsOf(records: readonly ServerRecord[]): string[] {
  const text = textOf(records.flatMap(({ results }) => results));
  const facts = [JOB_LINE, BATCH_JOB, FILE_LINE, NEXT_LINE].flatMap((pattern) =>
    [...text.matchAll(pattern)].map(([, fact]) => fact ?? ''),
  );
  return facts.length === 0 ? ['(the server answered nothing)'] : facts;
}

const ID = /"job_id":"([^"]+)"/gu;

function jobIdsOf(records: readonly ServerRecord[]): string[] {
  return [...JSON.stringify(records.flatMap(({ results }) => results)).matchAll(ID)].map(([, id]) => id ?? '');
}

/** Frameworks put JSON around a text, some twice. */
function unescaped(text: string): string {
  const once = (escaped: string): string =>
    escaped.replaceAll('\\\\', '\\').replaceAll('\\n', '\n').replaceAll('\\"', '"');
  return `${text}\n${once(text)}\n${once(once(text))}`;
}

const BASE64 = /[A-Za-z0-9+/]{400}/u;

function seenIn(received: Received | undefined): PictureSeen {
  if (received === undefined) return 'none';
  if (BASE64.test(received.text)) return 'base64';
  return received.pictures.length > 0 ? 'picture' : 'none';
}

/** After the client is gone, its server has some seconds to end; what does not is ended here, and reported. */
async function stillRunning(stage: Stage): Promise<ServerRecord[]> {
  const until = Date.now() + END_PATIENCE_MS;
  for (;;) {
    const running = (await stage.records()).filter(({ isRunning }) => isRunning);
    if (running.length === 0) return [];
    if (Date.now() > until) {
      for (const { pid } of running) process.kill(pid, 'SIGKILL');
      return running;
    }
    await sleep(200);
  }
}
