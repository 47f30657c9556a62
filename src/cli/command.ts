/** What a command of the command line is, and how its flags and words are read. Each has a file that loads when it is called. */
import { parseArgs } from 'node:util';
import { type Environment, SETTINGS, type Setting, type SettingName } from '../config/settings.ts';
import { cleanLine, nameMeant } from '../core/untrusted-text.ts';

/** A flag that is not a setting; `value`, as help shows it, is absent for a switch; `help` where `flagWords` has it. */
export type CommandFlag = { name: string; value?: string; repeatable?: true; help?: string };

/** A part of one command's help that is not made from its flags and settings. */
export type HelpSection = { title: string; rows: readonly HelpRow[] };
export type HelpRow = { name: string; text: string };

/** A word that may follow the name of a command; without `words`, any. Only the last one may be repeatable. */
export type Positional = { name: string; words?: readonly string[]; repeatable?: true; help: string };

export type Arguments = {
  words: readonly string[];
  /** Values of flags by name: "true" for a switch. */
  flags: Readonly<Record<string, string | undefined>>;
  /** Values of repeatable flags by name, in their order. */
  lists: Readonly<Record<string, readonly string[] | undefined>>;
  env: Environment;
  /** Path of the program itself, for commands that start it as a child. */
  program: string;
};

export type Command = {
  name: string;
  summary: string;
  positionals?: readonly Positional[];
  flags: readonly CommandFlag[];
  /** Help of flags by their names, where it stands with what checks them. */
  flagWords?: () => Promise<Readonly<Record<string, string>>>;
  /** The settings that it takes, as flags too. */
  settings: readonly SettingName[];
  /** Further sections of its help, where they are too much to load with every start. */
  details?: () => Promise<readonly HelpSection[]>;
  /** @returns the exit code; a command that serves never returns */
  load: () => Promise<{ run: (args: Arguments) => Promise<number> }>;
};

/** Bad arguments: printed as they are, without a stack, with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** @throws UsageError that names what the command does not know */
export function parseFlags(argv: readonly string[], command: Command): Pick<Arguments, 'flags' | 'lists' | 'words'> {
  const settingFlags = command.settings.flatMap((name) => (SETTINGS[name] as Setting).flag ?? []);
  const options = {
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean', short: 'v' },
    ...Object.fromEntries(command.flags.map(({ name, value }) => [name, { type: value ? 'string' : 'boolean' }])),
    ...Object.fromEntries(settingFlags.map((name) => [name, { type: 'string' }])),
  } as Record<string, { type: 'string' | 'boolean'; short?: string }>;
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true });
  const flags: Record<string, string> = {};
  const lists: Record<string, string[]> = {};
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      const next = command.positionals?.[words.length] ?? command.positionals?.findLast(({ repeatable }) => repeatable);
      words.push(checkedWord(token.value, command, next));
      continue;
    }
    const { name, rawName, value } = token;
    if (!Object.hasOwn(options, name)) throw unknownFlag(rawName, command, Object.keys(options));
    const needsValue = options[name]?.type === 'string';
    if (name in flags) throw new UsageError(`${rawName} is given twice.`);
    if (needsValue && value === undefined) throw new UsageError(`${rawName} needs a value.`);
    if (!needsValue && value !== undefined)
      throw new UsageError(`${rawName} is a switch and takes no value (${JSON.stringify(value)} was given).`);
    const isRepeatable = command.flags.some((flag) => flag.repeatable && flag.name === name);
    if (isRepeatable) lists[name] = [...(lists[name] ?? []), value ?? ''];
    else flags[name] = value ?? 'true';
  }
  return { flags, lists, words };
}

function checkedWord(word: string, command: Command, positional: Positional | undefined): string {
  if (positional === undefined) throw new UsageError(`${command.name}: unexpected argument ${JSON.stringify(word)}.`);
  const { words } = positional;
  if (words === undefined || words.includes(word)) return word;
  throw new UsageError(`${command.name}: ${JSON.stringify(word)} is not allowed.${allowedInstead(word, words)}`);
}

function unknownFlag(rawName: string, command: Command, known: string[]): UsageError {
  const names = known.map((name) => `--${name}`);
  const secret = /key|secret|token/iu.test(rawName)
    ? ' The API key is never a flag: set DOITONG_API_KEY or DOITONG_API_KEY_FILE.'
    : '';
  const instead = allowedInstead(rawName, names);
  return new UsageError(`${command.name} has no flag ${cleanLine(rawName, 80)}.${secret}${instead}`);
}

/** The name that was meant, where one is close, else all of them. */
export function allowedInstead(typed: string, names: readonly string[]): string {
  const meant = nameMeant(typed.slice(0, 80), names);
  return meant === undefined ? ` Allowed: ${names.join(', ')}.` : ` Did you mean ${meant}?`;
}
