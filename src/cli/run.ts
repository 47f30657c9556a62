/** Finds the command, checks its flags, runs it, and turns bad usage into a message and an exit code. */
import '../config/lean-zod.ts';
import { FluxError } from '../core/failure.ts';
import { createRedactor } from '../core/redaction.ts';
import { VERSION } from '../runtime/packaged.ts';
import { stayAlive } from '../runtime/system.ts';
import { type Arguments, allowedInstead, parseFlags, UsageError } from './command.ts';
import { COMMANDS, DEFAULT_COMMAND } from './commands.ts';
import { helpText } from './help.ts';
import { isSecret } from './settings.ts';
import { visible, writeStderr } from './terminal-text.ts';

/** A stack fits; a whole argument of any length does not. */
const MESSAGE_MAX_CHARACTERS = 8_000;

export type ProgramInput = Pick<Arguments, 'env' | 'program'> & { argv: readonly string[] };

export async function run(input: ProgramInput): Promise<number> {
  // A reader that has seen enough (`| head`) must not crash the program, which finishes what it began.
  process.stdout.off('error', ignore).on('error', ignore);
  const { DOITONG_API_KEY: key } = input.env;
  const redact = createRedactor(key === undefined || !isSecret(key.trim()) ? [] : [key.trim()]);
  const letGo = stayAlive();
  try {
    return await dispatch(input);
  } catch (error) {
    writeStderr(`${visible(`flux-pro-mcp: ${redact(await reasonOf(error), MESSAGE_MAX_CHARACTERS)}`)}\n`);
    return error instanceof UsageError ? 2 : 1;
  } finally {
    letGo();
  }
}

const ignore = (): void => undefined;

/** Only unexpected errors have a stack. */
async function reasonOf(error: unknown): Promise<string> {
  if (error instanceof UsageError) return error.message;
  if (error instanceof FluxError) {
    const { failureSentences } = await import('../mcp/failure-text.ts');
    const { remedyFor } = await import('./remedies.ts');
    return `${failureSentences(error.failure)}\n${remedyFor(error.failure)}`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function dispatch({ argv, env, program }: ProgramInput): Promise<number> {
  const named = argv[0]?.startsWith('-') === false ? argv[0] : undefined;
  const rest = named === undefined ? argv : argv.slice(1);
  const commandOf = (name: string | undefined) => COMMANDS.find((known) => known.name === name);
  if (named === 'help') return dispatch({ argv: [...new Set([...rest.slice(0, 1), '--help'])], env, program });
  const command = named === undefined ? DEFAULT_COMMAND : commandOf(named);
  if (command === undefined) {
    const names = COMMANDS.map(({ name }) => name);
    const instead = `${allowedInstead(`${named}`, names)} See flux-pro-mcp --help.`;
    throw new UsageError(`unknown command ${JSON.stringify(named)}.${instead}`);
  }
  const parsed = parseFlags(rest, command);
  if (parsed.flags.help !== undefined) return printText(await helpText(commandOf(named)));
  if (parsed.flags.version !== undefined) return printText(`${VERSION}\n`);
  const { run: runCommand } = await command.load();
  return runCommand({ ...parsed, env, program });
}

function printText(text: string): number {
  process.stdout.write(text);
  return 0;
}
