/** Renders every text that a model or a person reads, by the code that writes it, for docs/texts.md; examples of each kind for docs/agents.md. */
import { remedyFor } from '../src/cli/remedies.ts';
import { FAILURE_KINDS, type Failure } from '../src/core/failure.ts';
import { JOB_STATES, type Job } from '../src/core/job.ts';
import { readArguments } from '../src/mcp/call-tool.ts';
import { TOOLS } from '../src/mcp/catalogue.ts';
import type { Reason } from '../src/core/reasons.ts';
import { nextOf, saidOf } from '../src/mcp/failure-text.ts';
import { instructions } from '../src/mcp/instructions.ts';
import { jobText, jobView } from '../src/mcp/job-view.ts';
import { getPrompt, guideText, PROMPTS } from '../src/mcp/prompts.ts';
import { jobsResult, refusal } from '../src/mcp/result.ts';
import type { JobsOutcome, SingleOutcome } from '../src/mcp/tool.ts';
import { listedTool } from '../src/mcp/tool-listing.ts';
import { ofToday } from '../src/mcp/ordering.ts';
import { systemClock } from '../src/runtime/system.ts';
import { failureOf, SAMPLE_FAILURES } from './text-samples/failures.ts';
import { jobIn, NOW, sampleJob } from './text-samples/jobs.ts';
import { VARIANTS } from './text-samples/variants.ts';
import { wrongArguments } from './texts/arguments.ts';
import { demo } from './texts/demo.ts';
import { doctor } from './texts/doctor.ts';
import { generated } from './texts/generate.ts';
import { limits, lists, resources } from './texts/lists.ts';
import { logLines, viewerWords } from './texts/literals.ts';
import { block, textOf, titled } from './texts/markdown.ts';
import { protocolErrors } from './texts/protocol.ts';
import { badSettings, badUsage, help, records } from './texts/shell.ts';
import { progressMessages, question } from './texts/waiting.ts';

const HOUR_MS = 3_600_000;
const VIEW = { now: NOW, stalledAfterMs: HOUR_MS / 4 };
const BUDGET = ofToday(480, { maxCreditsPerDay: 1_000 });
const asIs = (text: string): string => text;

type AnswerOptions = { notes?: readonly string[]; missed?: readonly Job[]; lowBalance?: number; room?: number };

const PREVIEW = { width: 525, height: 296 };
const SHARE = { width: 96, height: 54 };

/** The text of an answer, as a host gets it that shows pictures; only a batch has a contact sheet. */
async function answer(outcome: SingleOutcome | JobsOutcome, options: AnswerOptions = {}): Promise<string> {
  const { notes = [], room = 30_000, ...view } = options;
  const content = ['text', 'image'] as const;
  const form = { content, maxCharacters: room, maxBatchCharacters: room, maxSidePx: 2_000, hasViewer: false };
  const jobs = outcome.type === 'job' ? [outcome.job] : outcome.jobs;
  const saved = jobs.filter(({ state }) => state === 'saved').length;
  const shown = { bytes: new Uint8Array(9), mediaType: 'image/jpeg', isPreview: true };
  return textOf(
    await jobsResult(outcome, form, {
      view: { ...VIEW, ...view },
      notes,
      // Several get shares that are too small to judge; what has no preview is not shown.
      pictureOf: async ({ mediaType }) =>
        mediaType === 'image/avif' ? undefined : { ...shown, size: saved > 1 ? SHARE : PREVIEW },
      sheetOf: async () => shown,
      redact: asIs,
      clock: { ...systemClock, monotonic: () => 0 },
    }),
  );
}

const one = (job: Job, more: Partial<SingleOutcome> = {}): SingleOutcome => ({ type: 'job', job, ...more });
const stalled = (): Job => jobIn('processing', { createdAt: NOW - 3 * HOUR_MS, updatedAt: NOW - 3 * HOUR_MS });
const otherSize = (): Job => jobIn('saved', { size: { width: 768, height: 1_360 } });

function batch(states: readonly (Job['state'] | Failure)[], more: Partial<JobsOutcome> = {}): JobsOutcome {
  const jobs = states.map((state, at) => {
    const id = `job_0mxyz1234abcdefghij${'klmnop'[at]}`;
    const request = { prompt: `Icon ${at + 1}: a paper plane`, width: 1_024, height: 1_024 };
    if (typeof state !== 'string') return jobIn('failed', { id, request, failure: state });
    const job = jobIn(state, { id, request, size: { width: 1_024, height: 1_024 } });
    return {
      ...job,
      ...(job.file !== undefined && { file: `/home/user/Pictures/flux-pro/2026-11/icon-${at + 1}_${id}.jpg` }),
    };
  });
  return { type: 'jobs', jobs, duplicates: [], ...more };
}

/** Of a tool whose arguments are as models make them. */
function badArguments(): string {
  const [tool] = TOOLS;
  try {
    if (tool) readArguments(tool, { prompt: '', size: '1024x1024', n: 4, seed: 7 }, asIs);
  } catch (error) {
    return textOf(refusal((error as { failure: Failure }).failure, false, NOW));
  }
  throw new Error('these arguments are taken');
}

function catalogue(): string {
  return TOOLS.map((tool) => {
    const { properties = {} } = listedTool(tool).inputSchema as {
      properties?: Record<string, { description?: string }>;
    };
    const args = Object.entries(properties).map(([name, { description = '' }]) => `- \`${name}\`: ${description}`);
    return [`### ${tool.name}`, `"${tool.title}"`, tool.description, args.join('\n')].filter(Boolean).join('\n\n');
  }).join('\n\n');
}

async function states(): Promise<string> {
  const answers = JOB_STATES.filter((state) => state !== 'failed' && state !== 'unknown').map(async (state) =>
    titled(state, await answer(one(jobIn(state), { waitedSeconds: 45 }), state === 'saved' ? { notes: [BUDGET] } : {})),
  );
  const more: [string, Promise<string>][] = [
    ['saved, with another size than ordered', answer(one(otherSize()))],
    ['stalled', answer(one(stalled()))],
    ['found by an equal request, saved', answer(one(jobIn('saved'), { duplicate: true }))],
    ['found by an equal request, not finished', answer(one(jobIn('processing'), { duplicate: true }))],
    [
      'in the sandbox, with few credits and a picture that was given up',
      answer(one(jobIn('saved', { sandbox: true })), {
        lowBalance: 40,
        missed: [sampleJob({ id: 'job_0mxyz1234abcdefghijz' })],
      }),
    ],
    [
      'with what the service does not accept, and a second job',
      answer(one(jobIn('saved', { leftOut: ['quality'], secondRemoteId: 'dt_9' }))),
    ],
    ['of a type that is not shown', answer(one(jobIn('saved', { mediaType: 'image/avif' })))],
  ];
  const rest = more.map(async ([title, text]) => titled(title, await text));
  return (await Promise.all([...answers, ...rest])).join('\n\n');
}

async function batches(): Promise<string> {
  const failed = failureOf('job_without_picture');
  const shown: [string, Promise<string>][] = [
    ['all finished, as a contact sheet', answer(batch(['saved', 'saved', 'saved']), { notes: [BUDGET] })],
    [
      'in every state',
      answer(batch(['saved', 'processing', 'completed', failed, failureOf('owner_ended')], { waitedSeconds: 45 })),
    ],
    ['on a host that takes little', answer(batch(['saved', 'processing', failed]), { room: 1_200 })],
  ];
  return (await Promise.all(shown.map(async ([title, text]) => titled(title, await text)))).join('\n\n');
}

const FACTS = /^(?:File|URL|Picture|Prompt|Job): .*\n/gmu;

/** Each failure where it occurs, without the facts about the picture. */
function failures(): string {
  return SAMPLE_FAILURES.map(({ at, failure }) => {
    const where = at === 'call' ? 'a call that is refused' : `a job, ${at}`;
    const job = jobIn(at === 'call' ? 'failed' : at, { failure });
    const text = at === 'call' ? textOf(refusal(failure, false, NOW)) : jobText(jobView(job, VIEW), job, { now: NOW });
    return `**${failure.reason.code}** (\`${failure.kind}\`, ${where})\n\n${block(text.replaceAll(FACTS, ''))}`;
  }).join('\n\n');
}

/** What is said of each, and what to do next once for all that have it in common. */
function variants(): string {
  const linesOf = (reasons: readonly Reason[]): string => {
    const byNext = new Map<string, string[]>();
    for (const reason of reasons) {
      const said = saidOf({ kind: 'bad_input', reason, creditsSpent: 'no', retry: 'no' });
      const next = nextOf(said) ?? '';
      byNext.set(next, [...(byNext.get(next) ?? []), said.what]);
    }
    const texts = [...byNext].map(([next, whats]) =>
      [...new Set(whats), next && `Next: ${next}`].filter(Boolean).join('\n'),
    );
    return texts.join('\n\n');
  };
  return VARIANTS.map(([subject, reasons]) => titled(subject, linesOf(reasons))).join('\n\n');
}

function prompts(): string {
  const texts = PROMPTS.map(({ name, description, arguments: args }) => {
    const values = Object.fromEntries(args.map((one) => [one.name, `(${one.title.toLowerCase()})`]));
    const [message] = getPrompt(name, values, asIs).messages;
    const lines = args.map((one) => `- \`${one.name}\`, "${one.title}": ${one.description}`);
    return [
      `**${name}**\n\n${description}`,
      lines.join('\n'),
      block(message?.content.type === 'text' ? message.content.text : ''),
    ].join('\n\n');
  });
  return [...texts, titled('flux://guide/prompting', guideText())].join('\n\n');
}

function remedies(): string {
  const reason = { code: 'worded', what: '' } as const;
  const lines = FAILURE_KINDS.map(
    (kind) => `- \`${kind}\`: ${remedyFor({ kind, reason, creditsSpent: 'no', retry: 'no' })}`,
  );
  return lines.join('\n');
}

/** One of each kind of answer. */
async function examples(): Promise<string> {
  const shown: [string, Promise<string> | string][] = [
    ['A finished picture', answer(one(jobIn('saved')), { notes: [BUDGET] })],
    ['One that is not finished in time', answer(one(jobIn('processing'), { waitedSeconds: 45 }))],
    ['One that is stalled', answer(one(stalled()))],
    ['One that an equal request finds', answer(one(jobIn('saved'), { duplicate: true }))],
    [
      'An order without an answer',
      answer(one(jobIn('submitting', { failure: failureOf('answer_lost', 'submitting') }))),
    ],
    ['A job that failed', answer(one(jobIn('failed', { failure: failureOf('job_without_picture') })))],
    ['An order that was never sent', answer(one(jobIn('failed', { failure: failureOf('owner_ended') })))],
    ['A call that is refused', textOf(refusal(failureOf('budget_exceeded'), false, NOW))],
    ['Arguments that are wrong', badArguments()],
    ['A batch, shown as a contact sheet', answer(batch(['saved', 'saved', failureOf('job_without_picture')]))],
    ['The question before an expensive call', question()],
  ];
  return (await Promise.all(shown.map(async ([title, text]) => `### ${title}\n\n${block(await text)}`))).join('\n\n');
}

/** For `<!-- generated:NAME -->`. */
export const TEXT_BLOCKS: Readonly<Record<string, () => string | Promise<string>>> = {
  'texts-instructions': () => block(instructions(true, 'https://api.example')),
  'texts-catalogue': catalogue,
  'texts-states': states,
  'texts-batches': batches,
  'texts-failures': failures,
  'texts-variants': variants,
  'texts-lists': lists,
  'texts-limits': limits,
  'texts-resources': resources,
  'texts-arguments': wrongArguments,
  'texts-progress': async () => (await progressMessages()).map((message) => `- ${message}`).join('\n'),
  'texts-question': async () => [block(await question()), block(await question(1, true))].join('\n\n'),
  'texts-prompts': prompts,
  'texts-protocol': protocolErrors,
  'texts-remedies': remedies,
  'texts-help': help,
  'texts-usage': badUsage,
  'texts-settings': badSettings,
  'texts-generate': generated,
  'texts-records': records,
  'texts-doctor': doctor,
  'texts-demo': demo,
  'texts-viewer': viewerWords,
  'texts-log': logLines,
  'agents-examples': examples,
};
