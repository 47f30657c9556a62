/** The help text, rendered from the commands and the settings table. */
import { SETTINGS, type Setting, type SettingName } from '../config/settings.ts';
import type { Command, CommandFlag, HelpRow, HelpSection, Positional } from './command.ts';
import { COMMANDS, DEFAULT_COMMAND } from './commands.ts';

const LINE = /\S.{0,93}(?!\S)|\S+/gsu;

export async function helpText(command?: Command): Promise<string> {
  const { positionals = [], flags, settings } = command ?? DEFAULT_COMMAND;
  const words = await command?.flagWords?.();
  const sections: HelpSection[] = [
    { title: 'Commands', rows: command === undefined ? COMMAND_ROWS : [] },
    {
      title: `Arguments (flux-pro-mcp ${usage(command ?? DEFAULT_COMMAND)})`,
      rows: positionals.map((positional) => ({ name: positionalText(positional), text: positional.help })),
    },
    { title: 'Flags', rows: flags.map((flag) => ({ name: flagText(flag), text: flagHelp(flag, words) })) },
    { title: 'Settings (flag before environment before default)', rows: settings.map(settingRow) },
    ...((await command?.details?.()) ?? []),
  ];
  const head = wrapped(command === undefined ? ABOUT : `flux-pro-mcp ${command.name}: ${command.summary}`);
  return `${[head, ...sections.filter(({ rows }) => rows.length > 0).map(sectionText)].join('\n\n')}\n`;
}

const ABOUT = 'flux-pro-mcp: an MCP server that lets AI agents make pictures with Flux Pro (Doitong API).';

const COMMAND_ROWS: readonly HelpRow[] = [
  ...COMMANDS.map((known) => ({ name: `flux-pro-mcp ${usage(known)}`, text: known.summary })),
  { name: 'flux-pro-mcp COMMAND --help (-h)', text: 'the flags of one command' },
  { name: 'flux-pro-mcp --version (-v)', text: 'the version' },
];

export function usage({ name, positionals = [] }: Command): string {
  return [name, ...positionals.map((positional) => `[${positionalText(positional)}]`)].join(' ');
}

function positionalText({ name, words, repeatable }: Positional): string {
  return `${words?.join('|') ?? name}${repeatable ? ' …' : ''}`;
}

/** A flag as it is typed; the dots stand for more of the same. */
export function flagText({ name, value, repeatable }: CommandFlag): string {
  return `--${name}${value === undefined ? '' : ` ${value}`}${repeatable ? ' …' : ''}`;
}

export function flagHelp({ name, repeatable, ...flag }: CommandFlag, words: Readonly<Record<string, string>> = {}) {
  const help = flag.help ?? words[name] ?? '';
  return repeatable ? `${help} May be given several times.` : help;
}

function settingRow(name: SettingName): HelpRow {
  const { flag, env, help, allowed, defaultText, default: usual }: Setting = SETTINGS[name];
  const value = defaultText ?? usual;
  const sentences = [help, ...(value === undefined ? [] : [`Default: ${value}.`]), `Allowed: ${allowed}.`];
  return { name: `${flag === undefined ? '' : `--${flag}, `}${env}`, text: sentences.join(' ') };
}

function sectionText({ title, rows }: HelpSection): string {
  return [`${title}:`, ...rows.map(({ name, text }) => `  ${name}\n${wrapped(text, '      ')}`)].join('\n');
}

/** Lines that end between words, and fit a terminal of 100 columns with their indent. */
function wrapped(text: string, indent = ''): string {
  return [...text.matchAll(LINE)].map(([line]) => indent + line).join('\n');
}
