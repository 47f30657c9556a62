/** The help text, rendered from the commands and the settings table. */
import { SETTINGS, type Setting, type SettingName } from '../config/settings.ts';
import type { Command, CommandFlag, HelpSection, Positional } from './command.ts';
import { COMMANDS, DEFAULT_COMMAND } from './commands.ts';

const WIDTH = 100;

/** The whole program's help, or one command's. */
export async function helpText(command?: Command): Promise<string> {
  const sections = (await command?.details?.()) ?? [];
  const head = command === undefined ? overview() : [wrapped(`flux-pro-mcp ${command.name}: ${command.summary}`)];
  const lines = [...head, '', ...flagsAndSettings(command ?? DEFAULT_COMMAND), ...sections.map(sectionText)];
  return `${lines.join('\n')}\n`;
}

const overview = (): string[] => [
  'flux-pro-mcp: an MCP server that lets AI agents make pictures with Flux Pro (Doitong API).',
  '',
  'Commands:',
  ...COMMANDS.map((known) => row(`flux-pro-mcp ${usage(known)}`, known.summary)),
  row('flux-pro-mcp COMMAND --help', 'the flags of one command'),
  row('flux-pro-mcp --version', 'the version'),
];

/** The command's name and what may follow it. */
export function usage({ name, positionals = [] }: Command): string {
  return [name, ...positionals.map((positional) => `[${positionalText(positional)}]`)].join(' ');
}

const positionalText = ({ name, words }: Positional): string => words?.join('|') ?? name;

function flagsAndSettings(command: Command): string[] {
  const words = (command.positionals ?? []).map((positional) => row(positionalText(positional), positional.help));
  const own = command.flags.map((flag) => row(flagText(flag), flagHelp(flag)));
  const settings = command.settings.map(settingRow);
  return [
    ...(words.length === 0 ? [] : [`Arguments (flux-pro-mcp ${usage(command)}):`, ...words, '']),
    ...(own.length === 0 ? [] : ['Flags:', ...own]),
    ...(settings.length === 0 ? [] : ['', 'Settings (flag before environment before default):', ...settings]),
  ];
}

/** A flag as it is typed; the dots stand for more of the same. */
export function flagText({ name, value, repeatable }: CommandFlag): string {
  return `--${name}${value === undefined ? '' : ` ${value}`}${repeatable ? ' …' : ''}`;
}

export function flagHelp({ help, repeatable }: CommandFlag): string {
  return repeatable ? `${help} May be given several times.` : help;
}

function sectionText({ title, rows }: HelpSection): string {
  return [`\n${title}:`, ...rows.map(({ name, text }) => row(name, text))].join('\n');
}

function settingRow(name: SettingName): string {
  const { flag, env, help, allowed, defaultText, default: usual }: Setting = SETTINGS[name];
  const value = defaultText ?? usual;
  const sentences = [help, ...(value === undefined ? [] : [`Default: ${value}.`]), `Allowed: ${allowed}.`];
  return row(`${flag === undefined ? '' : `--${flag}, `}${env}`, sentences.join(' '));
}

/** A name in the first line, its text wrapped and indented below. */
const row = (name: string, text: string): string => `  ${name}\n${wrapped(text, '      ')}`;

/** Lines of a terminal, which end between words. */
function wrapped(text: string, indent = ''): string {
  let line = '';
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    if (indent.length + line.length + 1 + word.length > WIDTH) {
      lines.push(indent + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, indent + line].join('\n');
}
