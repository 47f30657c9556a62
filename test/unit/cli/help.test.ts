/** Proves that help leaves nothing out: it is rendered from the tables that the program works with. */
import { describe, expect, it } from 'vitest';
import { SCENARIOS, scenarioSentences } from '../../../sandbox/scenarios.ts';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { helpText } from '../../../src/cli/help.ts';
import { SETTING_NAMES, SETTINGS, type Setting } from '../../../src/config/settings.ts';
import { JOB_STATUSES } from '../../../src/mcp/job-view.ts';
import { orderSchema, ordersSchema } from '../../../src/mcp/ordering.ts';

const flat = (text: string): string => text.replace(/\s+/gu, ' ');

describe("the program's help", async () => {
  const help = await helpText();

  it.each(COMMANDS.map((command) => command.name))('lists the command %s with its summary', (name) => {
    const command = COMMANDS.find((known) => known.name === name);
    const [first, ...words] = help.split(`  flux-pro-mcp ${name}`);
    expect(first).toBeDefined();
    expect(words).toHaveLength(1);
    expect(words[0]).toMatch(/^( \S+)*\n/u);
    expect(flat(help)).toContain(flat(command?.summary ?? 'no summary'));
  });

  it.each(SETTING_NAMES)('lists the setting %s with flag, variable, default and what is allowed', (name) => {
    const row: Setting = SETTINGS[name];
    expect(help).toContain(`  ${row.flag === undefined ? '' : `--${row.flag}, `}${row.env}\n`);
    expect(flat(help)).toContain(row.help);
    expect(flat(help)).toContain(`Allowed: ${row.allowed}.`);
    const value = row.defaultText ?? row.default;
    if (value !== undefined) expect(flat(help)).toContain(`Default: ${value}.`);
  });

  it('shows the words that a command takes, in brackets where they need not be given', () => {
    expect(help).toContain('  flux-pro-mcp jobs [list|show|resume|cancel|adopt|purge] [ID]\n');
  });

  it('lists no scenarios: their table is not loaded for it', () => {
    for (const { sentence } of SCENARIOS) expect(flat(help)).not.toContain(sentence);
  });

  it('fits a terminal of 100 columns and ends its last line', () => {
    for (const line of help.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    expect(help).toMatch(/[^\n]\n$/u);
  });
});

describe("a command's help", () => {
  it.each(COMMANDS)('of $name lists its own flags and its own settings, and no others', async (command) => {
    const help = await helpText(command);
    const flagWords = await command.flagWords?.();
    for (const { name, words, repeatable, help: text } of command.positionals ?? []) {
      expect(help).toContain(`  ${words?.join('|') ?? name}${repeatable ? ' …' : ''}\n`);
      expect(flat(help)).toContain(text);
    }
    for (const flag of command.flags) {
      const dots = flag.repeatable ? ' …' : '';
      expect(help).toContain(`  --${flag.name}${flag.value === undefined ? '' : ` ${flag.value}`}${dots}\n`);
      expect(flat(help)).toContain(flag.help ?? flagWords?.[flag.name] ?? 'no help');
    }
    for (const name of SETTING_NAMES) {
      const isListed = help.split('\n').some((line) => line.endsWith(SETTINGS[name].env) && line.startsWith('  '));
      expect(isListed).toBe(command.settings.includes(name));
    }
  });

  it('names the statuses as they are', async () => {
    const jobs = COMMANDS.find(({ name }) => name === 'jobs');
    expect(flat(await helpText(jobs))).toContain(`of this status: ${JOB_STATUSES.join(', ')}.`);
  });

  it('of generate says what the schemas say of its flags, and every exit code', async () => {
    const generate = COMMANDS.find(({ name }) => name === 'generate');
    const help = await helpText(generate);
    for (const [flag, field] of [
      ['aspect-ratio', orderSchema.shape.aspect_ratio],
      ['flux-version', orderSchema.shape.version],
      ['style', ordersSchema.shape.style],
    ] as const)
      expect(flat(help).split(` --${flag} `)[1]).toContain(`${field.description}`);
    expect(help.split('Exit codes:')[1]?.match(/^ {2}\d+$/gmu)).toEqual(['  0', '  1', '  2', '  3', '  4', '  130']);
  });

  it('says of each repeatable flag, and of no other, that it may be given several times', async () => {
    for (const command of COMMANDS) {
      const reported = flat(await helpText(command)).split('May be given several times.').length - 1;
      expect(reported).toBe(command.flags.filter(({ repeatable }) => repeatable).length);
    }
  });
});

describe("a command's help", () => {
  const sandbox = COMMANDS.find(({ name }) => name === 'sandbox');

  it.each(COMMANDS)('of $name fits a terminal', async (command) => {
    const help = await helpText(command);
    for (const line of help.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    expect(help).toMatch(/[^\n]\n$/u);
  });

  it('of sandbox lists every scenario under its group, with its sentence and what it excludes', async () => {
    const [, ...sections] = (await helpText(sandbox)).split('\nScenarios: ');
    expect(sections.map((section) => section.split(':\n')[0])).toEqual([...Object.keys(scenarioSentences)]);
    const names = sections.map((section) => section.match(/(?<=^ {2})\S+$/gmu));
    expect(names).toEqual(
      Object.keys(scenarioSentences).map((group) =>
        SCENARIOS.filter((known) => known.group === group).map(({ name }) => name),
      ),
    );
    const all = flat(sections.join(' '));
    for (const { name, sentence, excludes } of SCENARIOS) {
      const others = excludes.length === 0 ? '' : ` Not together with ${excludes.join(', ')}.`;
      expect(all).toContain(` ${name} ${sentence}${others}`);
    }
  });
});
