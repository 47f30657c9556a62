/** Turns flags and environment into a `Config`, or into problems that name the setting, the value and what is allowed. */
import { isStandIn, placeholderIn } from '../core/api-key.ts';
import { createRedactor } from '../core/redaction.ts';
import { cleanLine } from '../core/untrusted-text.ts';
import { type Config, SETTING_NAMES, SETTINGS, type Setting, type SettingName } from './settings.ts';

export type ConfigResult = { ok: true; config: Config } | { ok: false; problems: string[] };

/** Some hosts pass an option that the user left empty as an empty text or as its unfilled placeholder. */
const UNFILLED = /^\$\{user_config\.[\w.-]{1,100}\}$/u;

/**
 * Flag before environment before default.
 * @param flags values by flag name, without the dashes
 * @param left settings that are not used: they keep their defaults, and bad values do not matter
 */
export function loadConfig(
  flags: Readonly<Record<string, string | undefined>>,
  env: Readonly<Record<string, string | undefined>>,
  left: readonly SettingName[] = [],
): ConfigResult {
  const values: Partial<Record<SettingName, unknown>> = {};
  const problems: string[] = [];
  const given = new Set<SettingName>();
  for (const name of SETTING_NAMES) {
    const row: Setting = SETTINGS[name];
    const fromFlag = row.flag === undefined ? undefined : flags[row.flag];
    const variable = variableOf(row, env);
    const fromEnv = filled(env[variable]);
    const text = left.includes(name) ? row.default : (fromFlag ?? fromEnv ?? row.default);
    if (text === undefined) continue;
    given.add(name);
    const where = fromFlag === undefined ? variable : `--${row.flag} (${row.env})`;
    // The key is checked where it is used: a server without a valid one still lists its tools.
    const unfilled = name === 'apiKey' ? undefined : unfilledPart(row, text, where);
    const read = row.schema.safeParse(text);
    if (unfilled === undefined && read.success) values[name] = read.data;
    else problems.push(unfilled ?? problem(row, text, where));
  }
  problems.push(...[...given].flatMap((name) => lacking(name, given)));
  if (problems.length > 0) return { ok: false, problems };
  const { XDG_CONFIG_HOME, XDG_PICTURES_DIR, XDG_STATE_HOME, LOCALAPPDATA } = env;
  const folderVariables = { XDG_CONFIG_HOME, XDG_PICTURES_DIR, XDG_STATE_HOME, LOCALAPPDATA };
  return { ok: true, config: { ...(values as Config), folderVariables } };
}

/** A setting that was given and refused has been reported already. */
function lacking(name: SettingName, given: ReadonlySet<string>): string[] {
  const row: Setting = SETTINGS[name];
  const needs = SETTING_NAMES.filter((other) => row.needs?.includes(other));
  const absent = needs.filter((other) => !given.has(other));
  if (absent.length === 0) return [];
  const names = (list: readonly SettingName[]): string => list.map((other) => SETTINGS[other].env).join(' and ');
  return [`${row.env}: it needs ${names(needs)}, and ${names(absent)} ${absent.length > 1 ? 'are' : 'is'} not set.`];
}

/** The variable that is set, for those that are read in either case. */
function variableOf({ env: name, eitherCase }: Setting, env: Readonly<Record<string, string | undefined>>): string {
  const lower = name.toLowerCase();
  return eitherCase && filled(env[lower]) !== undefined ? lower : name;
}

function filled(text: string | undefined): string | undefined {
  const trimmed = text?.trim();
  return trimmed === undefined || trimmed === '' || UNFILLED.test(trimmed) ? undefined : trimmed;
}

/** What somebody should have filled in: a value with a placeholder in it means nothing. */
function unfilledPart(row: Setting, text: string, where: string): string | undefined {
  const found = placeholderIn(text) ?? (row.secret && isStandIn(text) ? text : undefined);
  if (found === undefined) return undefined;
  return `${where}: the host did not fill in ${cleanLine(found, 120)}. Write the value itself there. Allowed: ${row.allowed}.`;
}

/** A refused URL may contain a user and password. */
const redact = createRedactor([]);

function problem(row: Setting, text: string, where: string): string {
  const hidden = row.secret === true || row.hideRefused === true;
  const shown = hidden ? 'the value (not shown)' : `"${cleanLine(redact(text, 1_000), 120)}"`;
  return `${where}: ${shown} is not allowed. Allowed: ${row.allowed}.`;
}
