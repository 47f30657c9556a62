/** Renders the parts of the documents that are generated from the code. */
import type * as z from 'zod';
import { SCENARIOS } from '../sandbox/scenarios.ts';
import { COMMANDS } from '../src/cli/commands.ts';
import { details } from '../src/cli/generate.ts';
import { flagHelp, flagText, usage } from '../src/cli/help.ts';
import { SETTING_NAMES, SETTINGS, type Setting } from '../src/config/settings.ts';
import { FAILURE_KINDS, type Failure } from '../src/core/failure.ts';
import type { ServiceAnswer } from '../src/core/reasons.ts';
import { FAILURE_TABLE, JOB_FAILURE_TABLE } from '../src/doitong/failure-table.ts';
import { TOOLS } from '../src/mcp/catalogue.ts';
import { nextStep } from '../src/mcp/failure-text.ts';
import { HOST_PROFILES } from '../src/mcp/hosts.ts';
import { PROMPTS } from '../src/mcp/prompts.ts';
import { FIXED_RESOURCES, TEMPLATES } from '../src/mcp/resources.ts';
import { listedTool } from '../src/mcp/tool-listing.ts';
import { SERVICE_ANSWERS } from '../src/mcp/words/service.ts';
import { TEXT_BLOCKS } from './texts.ts';

const escaped = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (columns: readonly string[]): string => `| ${columns.map(escaped).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function settingsTable(): string {
  const rows = SETTING_NAMES.map((name) => {
    const row: Setting = SETTINGS[name];
    const fallback = row.defaultText ?? (row.default === undefined ? '–' : `\`${row.default}\``);
    const flag = row.flag === undefined ? '–' : `\`--${row.flag} VALUE\``;
    return [`\`${row.env}\``, flag, fallback, `${row.help} Allowed: ${row.allowed}.`];
  });
  return table(['environment', 'flag', 'default', 'meaning'], rows);
}

async function commandsTable(): Promise<string> {
  const rows = COMMANDS.map(async (command) => {
    const words = await command.flagWords?.();
    const flags = command.flags.map((flag) => {
      const kind = flag.value === undefined ? ' (no value)' : '';
      return `\`${flagText(flag)}\`${kind} ${flagHelp(flag, words)}`;
    });
    return [`\`flux-pro-mcp ${usage(command)}\``, command.summary, flags.join('<br>')];
  });
  return table(['command', 'does', 'flags of its own'], await Promise.all(rows));
}

function exitCodesTable(): string {
  return table(
    ['exit code', 'means'],
    details.flatMap(({ rows }) => rows.map(({ name, text }) => [`\`${name}\``, text])),
  );
}

function toolsTable(): string {
  const rows = TOOLS.map((tool) => {
    const schema = listedTool(tool).inputSchema as { required?: string[] };
    const names = Object.keys(tool.input.shape).map((name) =>
      schema.required?.includes(name) ? `**\`${name}\`**` : `\`${name}\``,
    );
    const effect = tool.effect === 'spend' ? 'orders and pays' : 'reads';
    return [`\`${tool.name}\``, effect, names.join(' ') || '–', tool.description];
  });
  return table(['tool', 'effect', 'arguments (required in bold)', 'what the model is told'], rows);
}

function toolArguments(): string {
  return TOOLS.filter((tool) => Object.keys(tool.input.shape).length > 0)
    .map((tool) => {
      const { properties = {}, required = [] } = listedTool(tool).inputSchema as {
        properties?: Record<string, z.core.JSONSchema.BaseSchema>;
        required?: string[];
      };
      const rows = Object.entries(properties).map(([name, schema]) => [
        `\`${name}\`${required.includes(name) ? ' (required)' : ''}`,
        boundsOf(schema),
        schema.description ?? '',
      ]);
      return `### ${tool.name}\n\n${table(['argument', 'bounds', 'meaning'], rows)}`;
    })
    .join('\n\n');
}

function boundsOf(schema: z.core.JSONSchema.BaseSchema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (schema.type === 'string') return `${schema.minLength} to ${schema.maxLength} characters`;
  if (schema.type === 'boolean') return '`true` or `false`';
  if (schema.type === 'array') return `list of ${schema.minItems} to ${schema.maxItems}`;
  const step = schema.multipleOf === undefined ? '' : `, a multiple of ${schema.multipleOf}`;
  return `${schema.type === 'integer' ? 'whole number' : 'number'} from ${schema.minimum} to ${schema.maximum}${step}`;
}

const HELPS = { no: 'no', later: 'later', same_job: 'for this same job only' } as const;

function failuresTable(): string {
  const rows = Object.entries(FAILURE_TABLE).map(([answer, row]) => {
    const others = row.statusClass === undefined ? [] : [`other ${row.statusClass}xx`];
    return [
      SERVICE_ANSWERS[answer as ServiceAnswer],
      [...row.statuses, ...others].join(', ') || '–',
      row.codes.map((code) => `\`${code}\``).join(' ') || '–',
      `\`${row.kind}\``,
      row.creditsSpent,
      row.repeated ? 'yes, under the same key' : 'no',
      HELPS[row.retry],
    ];
  });
  return table(
    [
      'what happened',
      'HTTP status',
      '`extensions.code`',
      'kind',
      'credits spent',
      'repeated by the client',
      'calling again helps',
    ],
    rows,
  );
}

function jobFailuresTable(): string {
  const rows = Object.values(JOB_FAILURE_TABLE).map((row) => [
    `the job ended as ${row.words.map((word) => `\`${word}\``).join(', ')}`,
    `\`${row.kind}\``,
    'maybe',
    HELPS[row.retry],
  ]);
  return table(['when', 'kind', 'credits spent', 'calling again helps'], rows);
}

function kindsTable(): string {
  const rows = FAILURE_KINDS.map((kind) => {
    const failure: Failure = { kind, reason: { code: 'worded', what: '' }, creditsSpent: 'no', retry: 'no' };
    return [`\`${kind}\``, nextStep(failure)];
  });
  return table(['kind', 'next step that the model reads, unless the failure names a better one'], rows);
}

function hostsTable(): string {
  const rows = HOST_PROFILES.map((profile) => [
    profile.host,
    profile.clientNames.map((name) => `\`${name}…\``).join(' ') || '–',
    profile.content.join(', '),
    profile.maxCharacters.toLocaleString('en-US'),
    profile.maxBatchCharacters.toLocaleString('en-US'),
    profile.why,
  ]);
  return table(['host', 'client name', 'content', 'characters at most, one picture', 'several', 'why'], rows);
}

function scenariosTable(): string {
  const rows = SCENARIOS.map(({ name, group, sentence, excludes }) => {
    const others = excludes.map((other) => `\`${other}\``).join(' ');
    return [`\`${name}\``, group, sentence, others || '–'];
  });
  return table(['scenario', 'group', 'on the wire', 'not together with'], rows);
}

function promptsTable(): string {
  const rows = PROMPTS.map(({ name, description, arguments: args }) => {
    const names = args.map((one) => (one.required ? `**\`${one.name}\`**` : `\`${one.name}\``));
    return [`\`${name}\``, names.join(' '), description];
  });
  return table(['prompt', 'arguments (required in bold)', 'what for'], rows);
}

function resourcesTable(): string {
  const fixed = FIXED_RESOURCES.map((one) => [one.uri, one.mimeType ?? '', one.description ?? '']);
  const made = TEMPLATES.resourceTemplates.map((one) => [
    one.uriTemplate,
    one.mimeType ?? 'the picture’s own',
    one.description ?? '',
  ]);
  const rows = [...fixed, ...made].map(([uri = '', type = '', description = '']) => [`\`${uri}\``, type, description]);
  return table(['resource', 'type', 'holds'], rows);
}

/** Blocks by name, for `<!-- generated:NAME -->` in Markdown files. */
export const BLOCKS: Readonly<Record<string, () => string | Promise<string>>> = {
  ...TEXT_BLOCKS,
  settings: settingsTable,
  commands: commandsTable,
  'exit-codes': exitCodesTable,
  tools: toolsTable,
  'tool-arguments': toolArguments,
  failures: failuresTable,
  'job-failures': jobFailuresTable,
  kinds: kindsTable,
  hosts: hostsTable,
  prompts: promptsTable,
  resources: resourcesTable,
  scenarios: scenariosTable,
};

/** The whole `smithery.yaml`: every setting that can be set from outside, as a configuration schema. */
export function smitheryYaml(): string {
  const rows = SETTING_NAMES.map((name): [string, Setting] => [name, SETTINGS[name]]);
  const properties = rows.flatMap(([name, row]) => [
    `      ${name}:`,
    '        type: string',
    `        description: ${JSON.stringify(`${row.help} Allowed: ${row.allowed}.`)}`,
    ...(row.default === undefined ? [] : [`        default: ${JSON.stringify(row.default)}`]),
  ]);
  const env = rows.map(([name, row]) => `        ${row.env}: config.${name},`);
  return [
    '# Made by "npm run docs" from src/config/settings.ts; do not edit.',
    'name: flux-pro-mcp',
    'startCommand:',
    '  type: stdio',
    '  configSchema:',
    '    type: object',
    '    additionalProperties: false',
    '    properties:',
    ...properties,
    '      sandbox:',
    '        type: boolean',
    '        description: "Use the built-in sandbox: no key needed, test pictures, no real credits."',
    '        default: false',
    '  commandFunction: |-',
    '    (config) => ({',
    "      command: 'npx',",
    "      args: ['-y', 'flux-pro-mcp', ...(config.sandbox ? ['--sandbox'] : [])],",
    '      env: Object.fromEntries(Object.entries({',
    ...env,
    "      }).filter(([, value]) => value !== undefined && value !== '')),",
    '    })',
    '',
  ].join('\n');
}
