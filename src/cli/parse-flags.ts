/** Reads a command's flags and words; whatever it does not know ends in a message that names it. */
import { parseArgs } from 'node:util';
import { SETTINGS, type Setting } from '../config/settings.ts';
import { cleanLine } from '../core/untrusted-text.ts';
import { type Arguments, type Command, type Positional, UsageError } from './command.ts';

export function parseFlags(argv: readonly string[], command: Command): Pick<Arguments, 'flags' | 'lists' | 'words'> {
  const settingFlags = command.settings.flatMap((name) => (SETTINGS[name] as Setting).flag ?? []);
  const options = {
    help: { type: 'boolean' },
    version: { type: 'boolean' },
    ...Object.fromEntries(command.flags.map(({ name, value }) => [name, { type: value ? 'string' : 'boolean' }])),
    ...Object.fromEntries(settingFlags.map((name) => [name, { type: 'string' }])),
  } as Record<string, { type: 'string' | 'boolean' }>;
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true });
  const flags: Record<string, string> = {};
  const lists: Record<string, string[]> = {};
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      words.push(checkedWord(token.value, command, command.positionals?.[words.length]));
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
  if (positional === undefined) throw new UsageError(`${command.name} takes no ${JSON.stringify(word)}.`);
  const { words } = positional;
  if (words === undefined || words.includes(word)) return word;
  throw new UsageError(`${command.name}: ${JSON.stringify(word)} is not allowed. Allowed: ${words.join(', ')}.`);
}

function unknownFlag(rawName: string, command: Command, known: string[]): UsageError {
  const allowed = known.map((name) => `--${name}`).join(', ');
  const secret = /key|secret|token/iu.test(rawName)
    ? ' The API key is never a flag: set DOITONG_API_KEY or DOITONG_API_KEY_FILE.'
    : '';
  return new UsageError(`${command.name} has no flag ${cleanLine(rawName, 80)}.${secret} Allowed: ${allowed}.`);
}
