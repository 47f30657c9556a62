/** Handles a tool call: finds the tool, checks its arguments, runs it, asks the user, and has the outcome rendered. */
import type { CallToolRequest, CallToolResult, InputRequiredResult } from '@modelcontextprotocol/server';
import { isInputRequiredResult, type Server, type ServerContext } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { type Failure, FluxError } from '../core/failure.ts';
import { type Redact, redactValues } from '../core/redaction.ts';
import { TOOLS } from './catalogue.ts';
import { type HostIdentity, IMAGE_SIDE_MAX_PX, identityOf, profileOf } from './hosts.ts';
import { askNow, type Question } from './confirmations.ts';
import { repaired } from './arguments.ts';
import { badArguments } from './input-problems.ts';
import { otherOriginText } from './instructions.ts';
import { ofToday } from './ordering.ts';
import { noSuch } from './protocol.ts';
import { stackOf } from './protocol-errors.ts';
import { jobsResult, type ResultForm, redactResult, refusal, valueResult } from './result.ts';
import type { McpDeps, Questions, Tool, ToolContext, ToolOutcome } from './tool.ts';

type Caller = { host: HostIdentity; form: ResultForm };

/** `questions`: what became of those over this connection. `caller`: once the handshake has settled who that is. */
export type Connection = { server: Server; questions: Questions; caller?: Caller };

/** @throws ProtocolError for an unknown tool */
export async function callTool(
  { name, arguments: args }: CallToolRequest['params'],
  connection: Connection,
  context: ServerContext,
  deps: McpDeps,
): Promise<CallToolResult | InputRequiredResult> {
  const tool = TOOLS.find((one) => one.name === name);
  if (tool === undefined) throw noSuch('tool', name, TOOLS, deps.redact);
  const caller = connection.caller ?? callerOf(connection.server, context, deps);
  if (caller.host.isAgreed) connection.caller = caller;
  const questions = caller.host.asksInResults ? deps.questions : connection.questions;
  const result = await handleCall(tool, args, { ...caller, questions }, context, deps);
  if (isInputRequiredResult(result)) return redactValues(result, deps.redact);
  return redactResult(withOtherOrigin(result, deps), deps.redact);
}

function callerOf(server: Server, context: ServerContext, { resultContent, preview }: McpDeps): Caller {
  const host = identityOf(server, context);
  const profile = profileOf(host, resultContent);
  const form = {
    ...profile,
    content: preview === 'off' ? profile.content.filter((part) => part !== 'image') : profile.content,
    maxSidePx: typeof preview === 'number' ? preview : IMAGE_SIDE_MAX_PX,
    hasViewer: host.showsViewer,
  };
  return { host, form };
}

/** The one boundary: whatever goes wrong inside becomes a result that the model can act on. */
async function handleCall(
  tool: Tool,
  args: unknown,
  { host, form, questions }: Caller & { questions: Questions },
  context: ServerContext,
  deps: McpDeps,
): Promise<CallToolResult | InputRequiredResult> {
  const { log, redact } = deps;
  const signal = AbortSignal.any([context.mcpReq.signal, deps.ending]);
  const toolContext: ToolContext = {
    ...deps,
    signal,
    // Whatever the first call is about, it looks after what an earlier process has left.
    jobs: async () => {
      const jobs = await deps.jobs();
      jobs.watch();
      return jobs;
    },
    progress: progressReporter(context, deps),
    canAsk: host.canAsk,
    answer: undefined,
  };
  try {
    const input = readArguments(tool, args, redact);
    const call = JSON.stringify([tool.name, input]);
    // Only a call that is sent again carries answers.
    const given = context.mcpReq.inputResponses && (await (await deps.confirmations()).answerIn(context, call));
    // Whoever says yes to something else can be asked, and is asked again.
    if (given === 'of_another') questions.isUnanswered = false;
    else if (given !== undefined) {
      questions.isUnanswered = given.type === 'unanswered';
      toolContext.answer = given;
    }
    if (host.canAsk && questions.isUnanswered) toolContext.canAsk = 'unanswered';
    let outcome = await tool.handle(input, toolContext);
    if (outcome.type === 'ask' && host.asksInResults) {
      // Nobody reports that a host drops a question, so it counts as unanswered until its answer comes.
      questions.isUnanswered = true;
      return await (await deps.confirmations()).questionResult(redactValues(outcome, redact), call, context);
    }
    // Asked again only when the price has risen since.
    for (let round = 1; outcome.type === 'ask' && round <= 3; round += 1) {
      const answer = await askNow(redactValues(outcome, redact), context, log);
      questions.isUnanswered = answer.type === 'unanswered';
      outcome = await tool.handle(input, { ...toolContext, answer });
    }
    if (outcome.type === 'ask') throw new Error('a question that was answered is asked again');
    return await render(outcome, form, tool, deps);
  } catch (error) {
    // Nobody reads the answer to a cancelled call. Its wait has ended; an order that was sent continues.
    if (signal.aborted) return { content: [{ type: 'text', text: CANCELLED }] };
    if (!(error instanceof FluxError))
      log.error('a tool failed unexpectedly', { tool: tool.name, error: stackOf(error) });
    const failure = error instanceof FluxError ? error.failure : unforeseen(tool);
    return refusal(failure, tool.output === undefined && form.content.includes('structured'), deps.clock.now());
  }
}

/** The arguments of a call, with the defaults of the schema. @throws FluxError of kind `bad_input` */
export function readArguments(tool: Tool, given: unknown, redact: Redact): z.output<Tool['input']> {
  const asGiven = tool.input.safeParse(given ?? {});
  if (asGiven.success) return asGiven.data;
  const schema = z.toJSONSchema(tool.input, { io: 'input' });
  const { data, error } = tool.input.safeParse(repaired(given ?? {}, schema), { reportInput: true });
  if (error !== undefined) throw badArguments(tool, error, schema, redact);
  return data;
}

const CANCELLED = 'The wait was cancelled. Orders that have been sent continue; list_jobs shows them.';

async function render(
  outcome: Exclude<ToolOutcome, Question>,
  form: ResultForm,
  { effect }: Tool,
  { jobs: startJobs, clock, log, redact }: McpDeps,
): Promise<CallToolResult> {
  if (outcome.type === 'value') return valueResult(outcome.value, outcome.text);
  const jobs = await startJobs();
  /** A balance or a picture that cannot be read is no reason to withhold the rest of the answer. */
  const ifReadable = <Value>(what: string, read: Promise<Value>): Promise<Value | undefined> =>
    read.catch((error: unknown) => {
      log.warn(`${what} could not be read`, { error: String(error) });
      return undefined;
    });
  const lowBalance = await ifReadable('the last known balance', jobs.lowBalance());
  const shown = outcome.type === 'job' ? [outcome.job] : outcome.jobs;
  const isNew = outcome.type === 'job' ? outcome.duplicate !== true : outcome.duplicates.length < shown.length;
  const left = effect === 'spend' && isNew ? await ifReadable("today's budget", jobs.leftToday()) : undefined;
  const given = await ifReadable('what was given up', jobs.missed(shown, effect === 'spend'));
  const missed = given && redactValues(given, redact);
  return jobsResult(outcome, form, {
    view: { ...jobs.settings, now: clock.now(), lowBalance, missed },
    notes: left === undefined ? [] : [ofToday(left, jobs.settings)],
    pictureOf: (job, bounds) => ifReadable(`the saved picture of ${job.id}`, jobs.pictures.show(job, bounds)),
    sheetOf: (...asked) => jobs.pictures.sheet(...asked),
    redact,
    clock,
  });
}

/** The first result of the process says where the key goes, when that is not the provider's own address. */
function withOtherOrigin(result: CallToolResult, { otherOrigin }: McpDeps): CallToolResult {
  const [first, ...rest] = result.content;
  if (otherOrigin === undefined || otherOrigin.reported || first?.type !== 'text') return result;
  otherOrigin.reported = true;
  const note = `Note: ${otherOriginText(otherOrigin.origin)} Ask the user whether that is what they want, if they have not said so.`;
  return { ...result, content: [{ ...first, text: `${first.text}\n${note}` }, ...rest] };
}

function unforeseen(tool: Tool): Failure {
  const what = `${tool.name} failed unexpectedly; the log on stderr has the details.`;
  const next = 'Call list_jobs before you order again, and ask the user to report that as a bug in flux-pro-mcp.';
  const creditsSpent = tool.effect === 'spend' ? 'maybe' : 'no';
  return { kind: 'service_error', reason: { code: 'worded', what, next }, creditsSpent, retry: 'later' };
}

/** Claude Code cuts a message at 200 characters. */
const MESSAGE_MAX_CHARACTERS = 200;

/**
 * Values only grow, as the protocol demands: without news by a thousandth of the rest, to show a living server.
 * @returns `undefined` where the caller has asked for none
 */
export function progressReporter({ mcpReq }: ServerContext, { redact, log }: Pick<McpDeps, 'redact' | 'log'>) {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return undefined;
  let least = 0;
  return (fraction: number, text: string): void => {
    if (mcpReq.signal.aborted) return;
    const progress = Math.max(fraction, least);
    least = progress + (1 - progress) / 1_000;
    const message = redact(text, MESSAGE_MAX_CHARACTERS).slice(0, MESSAGE_MAX_CHARACTERS);
    const params = { progressToken, progress, total: 1, message };
    mcpReq
      .notify({ method: 'notifications/progress', params })
      .catch((error: unknown) => log.debug('progress not sent', { error: String(error) }));
  };
}
