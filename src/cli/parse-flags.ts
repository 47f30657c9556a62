/** Reads a command's flags and words; whatever it does not know ends in a message that names it. */
import { parseArgs } from 'node:util';
import { SETTINGS, type Setting } from '../config/settings.ts';
import { cleanLine } from '../core/untrusted-text.ts';
import { type Arguments, type Command, type Positional, UsageError, withValue } from './command.ts';

const SWITCHES = ['help', 'version'] as const;

/** @returns values by flag name (a switch holds "true"), and the command's words in their order */
export function parseFlags(argv: readonly string[], command: Command): Pick<Arguments, 'flags' | 'words'> {
  const takesValue = new Map<string, boolean>(SWITCHES.map((name) => [name, false]));
  for (const flag of command.flags) takesValue.set(flag.name, flag.value !== undefined);
  for (const name of command.settings) {
    const row: Setting = SETTINGS[name];
    if (row.flag !== undefined) takesValue.set(row.flag, true);
  }
  const repeatable = new Set(command.flags.filter((flag) => flag.repeatable).map((flag) => flag.name));
  const options = Object.fromEntries(
    [...takesValue].map(([name, value]) => [name, { type: value ? ('string' as const) : ('boolean' as const) }]),
  );
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true });
  const flags: Record<string, string | undefined> = {};
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      words.push(checkedWord(token.value, command, command.positionals?.[words.length]));
      continue;
    }
    const value = takesValue.get(token.name);
    if (value === undefined) throw unknownFlag(token.rawName, command, [...takesValue.keys()]);
    if (token.name in flags && !repeatable.has(token.name)) throw new UsageError(`${token.rawName} is given twice.`);
    if (value && token.value === undefined) throw new UsageError(`${token.rawName} needs a value.`);
    if (!value && token.value !== undefined) {
      throw new UsageError(
        `${token.rawName} is a switch and takes no value (${JSON.stringify(token.value)} was given).`,
      );
    }
    flags[token.name] = withValue(flags[token.name], token.value ?? 'true');
  }
  const missing = command.positionals?.[words.length];
  // Whoever asks for help need not know yet what is to be given.
  const asksOnly = SWITCHES.some((name) => flags[name] !== undefined);
  if (missing?.required && !asksOnly)
    throw new UsageError(`${command.name} needs ${missing.name}. ${wordHelp(missing)}`);
  return { flags, words };
}

function checkedWord(word: string, command: Command, positional: Positional | undefined): string {
  if (positional === undefined) throw new UsageError(`${command.name} takes no ${JSON.stringify(word)}.`);
  if (positional.words === undefined || positional.words.includes(word)) return word;
  throw new UsageError(`${command.name}: ${JSON.stringify(word)} is not allowed. ${wordHelp(positional)}`);
}

/** What may be given, as a sentence. */
function wordHelp({ words, help }: Positional): string {
  return words === undefined ? help : `Allowed: ${words.join(', ')}.`;
}

function unknownFlag(rawName: string, command: Command, known: string[]): UsageError {
  const allowed = known.map((name) => `--${name}`).join(', ');
  const secret = /key|secret|token/iu.test(rawName)
    ? ' The API key is never a flag: set DOITONG_API_KEY or DOITONG_API_KEY_FILE.'
    : '';
  return new UsageError(`${command.name} has no flag ${cleanLine(rawName, 80)}.${secret} Allowed: ${allowed}.`);
}
