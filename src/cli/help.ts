/** The help text, rendered from the commands and the settings table. */
import { SETTINGS, type Setting, type SettingName } from '../config/settings.ts';
import type { Command, CommandFlag, HelpSection, Positional } from './command.ts';
import { COMMANDS } from './commands.ts';

const WIDTH = 100;

/** The whole program's help, or one command's with its further sections. */
export async function fullHelp(command?: Command): Promise<string> {
  const sections = (await command?.details?.()) ?? [];
  return [helpText(command), ...sections.map(sectionText)].join('\n');
}

/** The whole program's help, or one command's, without further sections. */
export function helpText(command?: Command): string {
  if (command !== undefined) {
    const heading = wrapped(`flux-pro-mcp ${command.name}: ${command.summary}`, WIDTH);
    return [...heading, '', ...flagsAndSettings(command), ''].join('\n');
  }
  return [
    'flux-pro-mcp: an MCP server that lets AI agents make pictures with Flux Pro (Doitong API).',
    '',
    'Commands:',
    ...COMMANDS.map((known) => row(`flux-pro-mcp ${usage(known)}`, known.summary)),
    row('flux-pro-mcp COMMAND --help', 'the flags of one command'),
    row('flux-pro-mcp --version', 'the version'),
    '',
    ...COMMANDS.filter((known) => known.name === 'serve').flatMap(flagsAndSettings),
    '',
  ].join('\n');
}

/** The command's name and what may follow it: in brackets what need not be given. */
export function usage(command: Command): string {
  const words = (command.positionals ?? []).map((positional) =>
    positional.required ? positionalText(positional) : `[${positionalText(positional)}]`,
  );
  return [command.name, ...words].join(' ');
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
  return [`${title}:`, ...rows.map(({ name, text }) => row(name, text)), ''].join('\n');
}

function settingRow(name: SettingName): string {
  const { flag, env, help, allowed, defaultText, default: usual }: Setting = SETTINGS[name];
  const value = defaultText ?? usual;
  const sentences = [help, ...(value === undefined ? [] : [`Default: ${value}.`]), `Allowed: ${allowed}.`];
  return row(`${flag === undefined ? '' : `--${flag}, `}${env}`, sentences.join(' '));
}

/** A name in the first line, its text wrapped and indented below. */
function row(name: string, text: string): string {
  return [`  ${name}`, ...wrapped(text, WIDTH - 6).map((line) => `      ${line}`)].join('\n');
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
