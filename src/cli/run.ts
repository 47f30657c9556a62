/** Finds the command, checks its flags, runs it, and turns bad usage into a message and an exit code. */
import { VERSION } from '../runtime/version.ts';
import { type Environment, UsageError } from './command.ts';
import { COMMANDS } from './commands.ts';
import { helpText } from './help.ts';
import { parseFlags } from './parse-flags.ts';

const DEFAULT_COMMAND = 'serve';
const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

export type ProgramInput = {
  argv: readonly string[];
  env: Environment;
  /** Path of the file that Node was started with. */
  program: string;
};

export async function run(input: ProgramInput): Promise<number> {
  try {
    return await dispatch(input);
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`flux-pro-mcp: ${error.message}\n`);
      return EXIT_USAGE;
    }
    process.stderr.write(`flux-pro-mcp: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return EXIT_FAILURE;
  }
}

async function dispatch({ argv, env, program }: ProgramInput): Promise<number> {
  const named = argv[0]?.startsWith('-') === false ? argv[0] : undefined;
  const rest = named === undefined ? argv : argv.slice(1);
  if (named === 'help') return print(helpText());
  const command = COMMANDS.find((known) => known.name === (named ?? DEFAULT_COMMAND));
  if (command === undefined) throw unknownCommand(named ?? '');
  const flags = parseFlags(rest, command);
  if (flags.help !== undefined) return print(helpText(named === undefined ? undefined : command));
  if (flags.version !== undefined) return print(`${VERSION}\n`);
  const { run: runCommand } = await command.load();
  return runCommand({ flags, env, program });
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function unknownCommand(name: string): UsageError {
  const known = COMMANDS.map((command) => command.name).join(', ');
  return new UsageError(`there is no command ${JSON.stringify(name)}. Allowed: ${known}. See flux-pro-mcp --help.`);
}
