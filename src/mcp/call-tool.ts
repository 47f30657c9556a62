/** Handles a tool call: finds the tool, checks its arguments, runs it, and puts the answer together. */

import {
  type CallToolRequest,
  type CallToolResult,
  type InputRequiredResult,
  isInputRequiredResult,
  type Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { type Failure, FluxError } from '../core/failure.ts';
import type { Job } from '../core/job.ts';
import type { PreviewBounds, ShownPicture } from '../core/preview.ts';
import { redactValues } from '../core/redaction.ts';
import { cleanLine } from '../core/untrusted-text.ts';
import { batchResult } from './batch-result.ts';
import { TOOLS } from './catalogue.ts';
import { answerIn, askNow, questionResult } from './confirmation.ts';
import { identityOf } from './host-identity.ts';
import { type HostIdentity, IMAGE_SIDE_MAX_PX, profileOf } from './host-profiles.ts';
import { boundsProblem } from './input-bounds.ts';
import { parseInput } from './input-problems.ts';
import { otherOriginText } from './instructions.ts';
import type { McpDeps, OtherOrigin } from './mcp-deps.ts';
import { progressReporter } from './progress-reporter.ts';
import type { Questions } from './questions.ts';
import { redactResult } from './redact-result.ts';
import { jobResult, type ResultForm, refusal, valueResult } from './result.ts';
import type { AnyTool, ToolContext, ToolOutcome } from './tool.ts';

/** The connection that a call came over, and what became of the questions that were put to its user. */
type Connection = { server: Server; questions: Questions };

/** @returns `undefined` when there is no such tool */
export async function callTool(
  params: CallToolRequest['params'],
  { server, questions: ofConnection }: Connection,
  context: ServerContext,
  deps: McpDeps,
): Promise<CallToolResult | InputRequiredResult | undefined> {
  const tool = TOOLS.find((known) => known.name === params.name);
  if (tool === undefined) return undefined;
  const identity = identityOf(server, context);
  const questions = identity.asksInResults ? deps.questions : ofConnection;
  const result = await handleCall(tool, params, { identity, questions }, context, deps);
  if (isInputRequiredResult(result)) return redactValues(result, deps.redact);
  return redactResult(withOtherOrigin(result, deps), deps.redact);
}

/** The first result of the process says where the key goes, when that is not the provider's own address. */
function withOtherOrigin(result: CallToolResult, { otherOrigin }: McpDeps): CallToolResult {
  const [first, ...rest] = result.content;
  if (otherOrigin === undefined || otherOrigin.reported || first?.type !== 'text') return result;
  otherOrigin.reported = true;
  return { ...result, content: [{ ...first, text: `${first.text}${originNote(otherOrigin)}` }, ...rest] };
}

function originNote({ origin }: OtherOrigin): string {
  return `\nNote: ${otherOriginText(origin)} Ask the user whether that is what they want, if they have not said so.`;
}

/** The one boundary: whatever goes wrong inside becomes a result that the model can act on. */
async function handleCall(
  tool: AnyTool,
  { arguments: args, _meta }: CallToolRequest['params'],
  { identity, questions }: { identity: HostIdentity; questions: Questions },
  context: ServerContext,
  deps: McpDeps,
): Promise<CallToolResult | InputRequiredResult> {
  const { ending } = deps;
  const signal = ending === undefined ? context.mcpReq.signal : AbortSignal.any([context.mcpReq.signal, ending]);
  const toolContext: ToolContext = {
    jobs: deps.jobs,
    signal,
    progress: progressReporter(context, deps.redact, (error) =>
      deps.log.debug('progress not sent', { error: String(error) }),
    ),
    redact: deps.redact,
    sandbox: deps.sandbox,
    now: () => deps.clock.now(),
    defaultWaitSeconds: deps.defaultWaitSeconds,
    canAsk: identity.canAsk && questions.isUnanswered ? 'unanswered' : (identity.canAsk ?? false),
    answer: answerIn(context),
  };
  if (toolContext.answer !== undefined) questions.answered(toolContext.answer);
  try {
    checkBounds(tool, { arguments: args, _meta });
    const input = parseInput(tool, args, deps.redact);
    let outcome = await tool.handle(input, toolContext);
    if (outcome.type === 'ask' && identity.asksInResults) {
      questions.asked();
      return questionResult(outcome);
    }
    if (outcome.type === 'ask') {
      const answer = await askNow(redactValues(outcome, deps.redact), context, (error) =>
        deps.log.warn('a question to the user was not answered', { error: cleanLine(String(error)) }),
      );
      questions.answered(answer);
      outcome = await tool.handle(input, { ...toolContext, answer });
    }
    if (outcome.type === 'ask') throw new Error('a question that was answered is asked again');
    return await render(outcome, resultForm(identity, deps, outcome), deps);
  } catch (error) {
    // Nobody reads the answer to a cancelled call; the wait ended, an order that has been sent did not.
    if (signal.aborted)
      return {
        content: [
          { type: 'text', text: 'The wait was cancelled. Orders that have been sent continue; list_jobs shows them.' },
        ],
      };
    if (!(error instanceof FluxError))
      deps.log.error('a tool failed unexpectedly', { tool: tool.name, error: stack(error) });
    const failure = error instanceof FluxError ? error.failure : unforeseen(tool);
    return refusal(failure, resultForm(identity, deps), { mayCarryData: tool.output === undefined });
  }
}

/** @throws FluxError of kind `bad_input`; nothing was sent */
function checkBounds(tool: AnyTool, given: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(given)) {
    const problem = boundsProblem(value);
    if (problem === undefined) continue;
    throw new FluxError({
      kind: 'bad_input',
      message: `The ${name} of this call to ${tool.name} cannot be read, so nothing was sent: there are ${problem}.`,
      creditsSpent: 'no',
      retry: 'no',
      remedy: `Call ${tool.name} with the arguments that it lists, and nothing else.`,
    });
  }
}

async function render(
  outcome: Exclude<ToolOutcome, { type: 'ask' }>,
  form: ResultForm,
  deps: McpDeps,
): Promise<CallToolResult> {
  if (outcome.type === 'value') return valueResult(outcome.value, outcome.text);
  const { stalledAfterMs, apiUrl: apiOrigin } = (await deps.jobs()).settings;
  const options = { now: deps.clock.now(), stalledAfterMs, apiOrigin, lowBalance: await lowBalanceOf(deps) };
  if (outcome.type === 'jobs') {
    const recorded = new Map(outcome.jobs.map((job) => [job.id, job]));
    const jobs = redactValues(outcome.jobs, deps.redact);
    return batchResult(
      { ...outcome, jobs },
      form,
      options,
      (job, bounds) => pictureOf(recorded.get(job.id) ?? job, bounds, deps),
      () => deps.clock.monotonic(),
    );
  }
  const { job, duplicate, waitedSeconds, eta } = outcome;
  const shown = { ...options, duplicate, waitedSeconds, eta };
  return jobResult(redactValues(job, deps.redact), form, shown, (_, bounds) => pictureOf(job, bounds, deps));
}

/** A warning that cannot be told is no reason to withhold the answer. */
async function lowBalanceOf(deps: McpDeps): Promise<number | undefined> {
  try {
    return await (await deps.jobs()).lowBalance();
  } catch (error) {
    deps.log.warn('the last known balance could not be read', { error: String(error) });
    return undefined;
  }
}

/** A picture that has been moved away since it was saved is no reason to withhold the rest of the answer. */
async function pictureOf(job: Job, bounds: PreviewBounds, deps: McpDeps): Promise<ShownPicture | 'unfit' | undefined> {
  try {
    return await (await deps.jobs()).shownPicture(job, bounds);
  } catch (error) {
    deps.log.warn('a saved picture could not be read', { id: job.id, error: String(error) });
    return undefined;
  }
}

function resultForm(identity: HostIdentity, deps: McpDeps, outcome?: ToolOutcome): ResultForm {
  const profile = profileOf(identity, deps.resultContent);
  const { otherOrigin } = deps;
  const roomForNote = otherOrigin?.reported === false ? originNote(otherOrigin).length : 0;
  return {
    content: deps.preview === 'off' ? profile.content.filter((part) => part !== 'image') : profile.content,
    maxCharacters: (outcome?.type === 'jobs' ? profile.maxBatchCharacters : profile.maxCharacters) - roomForNote,
    hasViewer: identity.showsViewer ?? false,
    maxSidePx: typeof deps.preview === 'number' ? deps.preview : IMAGE_SIDE_MAX_PX,
  };
}

function unforeseen(tool: AnyTool): Failure {
  return {
    kind: 'service_error',
    message: `${tool.name} ended in an unforeseen error; the log on stderr says more.`,
    creditsSpent: tool.effect === 'spend' ? 'maybe' : 'no',
    retry: 'later',
    remedy:
      'Call list_jobs to see what was ordered before you order again, and ask the user to report the log line as a defect of flux-pro-mcp.',
  };
}

const stack = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
