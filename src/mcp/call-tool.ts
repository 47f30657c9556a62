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
import { type Redact, redactValues } from '../core/redaction.ts';
import { cleanLine } from '../core/untrusted-text.ts';
import type { ImageJobs } from '../jobs/image-jobs.ts';
import { batchResult } from './batch-result.ts';
import { TOOLS } from './catalogue.ts';
import { answerIn, askNow, type Questions, questionResult } from './confirmation.ts';
import { identityOf } from './host-identity.ts';
import { type HostIdentity, IMAGE_SIDE_MAX_PX, profileOf } from './host-profiles.ts';
import { boundsProblem, parseInput } from './input-problems.ts';
import type { McpDeps } from './mcp-deps.ts';
import {
  jobResult,
  originNote,
  type ResultForm,
  redactResult,
  refusal,
  valueResult,
  withOtherOrigin,
} from './result.ts';
import type { PictureSource } from './shown-picture.ts';
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

/** The one boundary: whatever goes wrong inside becomes a result that the model can act on. */
async function handleCall(
  tool: AnyTool,
  { arguments: args, _meta }: CallToolRequest['params'],
  { identity, questions }: { identity: HostIdentity; questions: Questions },
  context: ServerContext,
  deps: McpDeps,
): Promise<CallToolResult | InputRequiredResult> {
  const signal = AbortSignal.any([context.mcpReq.signal, ...(deps.ending === undefined ? [] : [deps.ending])]);
  const toolContext: ToolContext = {
    ...deps,
    signal,
    progress: progressReporter(context, deps.redact, (error) =>
      deps.log.debug('progress not sent', { error: String(error) }),
    ),
    now: () => deps.clock.now(),
    canAsk: identity.canAsk && questions.isUnanswered ? 'unanswered' : (identity.canAsk ?? false),
    answer: answerIn(context),
  };
  if (toolContext.answer !== undefined) questions.isUnanswered = toolContext.answer === 'unanswered';
  try {
    checkBounds(tool, { arguments: args, _meta });
    const input = parseInput(tool, args, deps.redact);
    let outcome = await tool.handle(input, toolContext);
    if (outcome.type === 'ask' && identity.asksInResults) {
      // Nobody reports that a host drops a question, so it counts as unanswered until its answer comes.
      questions.isUnanswered = true;
      return questionResult(outcome);
    }
    if (outcome.type === 'ask') {
      const answer = await askNow(redactValues(outcome, deps.redact), context, (error) =>
        deps.log.warn('a question to the user was not answered', { error: cleanLine(String(error)) }),
      );
      questions.isUnanswered = answer === 'unanswered';
      outcome = await tool.handle(input, { ...toolContext, answer });
    }
    if (outcome.type === 'ask') throw new Error('a question that was answered is asked again');
    return await render(outcome, resultForm(identity, deps, outcome), deps);
  } catch (error) {
    // Nobody reads the answer to a cancelled call. Its wait has ended; an order that was sent continues.
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
      remedy: `Call ${tool.name} with only the arguments that it lists.`,
    });
  }
}

async function render(
  outcome: Exclude<ToolOutcome, { type: 'ask' }>,
  form: ResultForm,
  deps: McpDeps,
): Promise<CallToolResult> {
  if (outcome.type === 'value') return valueResult(outcome.value, outcome.text);
  const lowBalance = await ifReadable('the last known balance', deps, (jobs) => jobs.lowBalance());
  const options = { ...(await deps.jobs()).settings, now: deps.clock.now(), lowBalance };
  const recorded = outcome.type === 'jobs' ? outcome.jobs : [outcome.job];
  // Redaction may have changed the path of a picture.
  const pictureOf: PictureSource = ({ id }, bounds) =>
    ifReadable(`the saved picture of ${id}`, deps, async (jobs) => {
      const job = recorded.find((one) => one.id === id);
      return job && jobs.shownPicture(job, bounds);
    });
  if (outcome.type === 'jobs') {
    const jobs = redactValues(outcome.jobs, deps.redact);
    return batchResult({ ...outcome, jobs }, form, options, pictureOf, () => deps.clock.monotonic());
  }
  const { job, duplicate, waitedSeconds, eta } = outcome;
  return jobResult(redactValues(job, deps.redact), form, { ...options, duplicate, waitedSeconds, eta }, pictureOf);
}

/** A balance that cannot be read, or a picture that was moved away, is no reason to withhold the rest of the answer. */
async function ifReadable<Value>(
  what: string,
  deps: McpDeps,
  read: (jobs: ImageJobs) => Promise<Value>,
): Promise<Value | undefined> {
  try {
    return await read(await deps.jobs());
  } catch (error) {
    deps.log.warn(`${what} could not be read`, { error: String(error) });
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
    message: `${tool.name} failed unexpectedly; the log on stderr has the details.`,
    creditsSpent: tool.effect === 'spend' ? 'maybe' : 'no',
    retry: 'later',
    remedy:
      'Call list_jobs to see what was ordered before you order again, and ask the user to report the log line as a bug in flux-pro-mcp.',
  };
}

const stack = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

/** Claude Code cuts a message at 200 characters. */
const MESSAGE_MAX_CHARACTERS = 200;

/** Does nothing when the call carries no progress token. Values only ever grow, as the protocol demands. */
export function progressReporter(
  context: ServerContext,
  redact: Redact,
  onError: (error: unknown) => void,
): ToolContext['progress'] {
  const progressToken = context.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return () => undefined;
  let last = -1;
  return (fraction, message) => {
    if (fraction <= last || context.mcpReq.signal.aborted) return;
    last = fraction;
    const params = {
      progressToken,
      progress: fraction,
      total: 1,
      message: redact(message, MESSAGE_MAX_CHARACTERS).slice(0, MESSAGE_MAX_CHARACTERS),
    };
    context.mcpReq.notify({ method: 'notifications/progress', params }).catch(onError);
  };
}
