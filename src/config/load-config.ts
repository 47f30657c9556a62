/** Turns flags and environment into a `Config`, or into problems that name the setting, the value and what is allowed. */
import { isStandIn, placeholderIn } from '../core/api-key.ts';
import { createRedactor } from '../core/redaction.ts';
import { cleanLine } from '../core/untrusted-text.ts';
import { type Config, type Environment, SETTING_NAMES, SETTINGS, type Setting, type SettingName } from './settings.ts';

/** @param setting its variable, or its flag with the variable */
export type SettingProblem =
  /** The settings in `absent` have to be set as well, as all in `needs`. */
  | { type: 'lacking'; setting: string; needs: readonly string[]; absent: readonly string[] }
  /** @param found what somebody should have filled in */
  | { type: 'unfilled'; setting: string; found: string; allowed: string | undefined }
  /** @param shown the value; absent where it may be secret */
  | { type: 'refused'; setting: string; shown?: string; allowed: string | undefined };

export type ConfigResult = { ok: true; config: Config } | { ok: false; problems: SettingProblem[] };

/** Some hosts pass an option that the user left empty as an empty text or as its unfilled placeholder. */
const UNFILLED = /^\$\{user_config\.[\w.-]{1,100}\}$/u;

/**
 * Flag before environment before default.
 * @param flags values by flag name, without the dashes
 * @param left settings that are not used: they keep their defaults, and bad values do not matter
 */
export function loadConfig(flags: Environment, env: Environment, left: readonly SettingName[] = []): ConfigResult {
  const values: Partial<Record<SettingName, unknown>> = {};
  const problems: SettingProblem[] = [];
  const given = new Set<string>();
  for (const name of SETTING_NAMES) {
    const row: Setting = SETTINGS[name];
    const fromFlag = row.flag === undefined ? undefined : flags[row.flag];
    const variable = variableOf(row, env);
    const fromEnv = filled(env[variable]);
    const text = left.includes(name) ? row.default : (fromFlag ?? fromEnv ?? row.default);
    if (text === undefined) continue;
    given.add(row.env);
    const where = fromFlag === undefined ? variable : `--${row.flag} (${row.env})`;
    // The key is checked where it is used: a server without a valid one still lists its tools.
    const unfilled = name === 'apiKey' ? undefined : unfilledPart(row, text, where);
    const read = row.schema.safeParse(text);
    if (unfilled === undefined && read.success) values[name] = read.data;
    else problems.push(unfilled ?? refused(row, text, where));
  }
  for (const { env: setting, needs = [] } of Object.values<Setting>(SETTINGS)) {
    // One that was given and refused has been reported already.
    const absent = needs.filter((other) => !given.has(other));
    if (given.has(setting) && absent.length > 0) problems.push({ type: 'lacking', setting, needs, absent });
  }
  if (problems.length > 0) return { ok: false, problems };
  const { XDG_CONFIG_HOME, XDG_PICTURES_DIR, XDG_STATE_HOME, LOCALAPPDATA } = env;
  const folderVariables = { XDG_CONFIG_HOME, XDG_PICTURES_DIR, XDG_STATE_HOME, LOCALAPPDATA };
  return { ok: true, config: { ...(values as Config), folderVariables } };
}

/** The variable that is set, for those that are read in either case. */
function variableOf({ env: name, eitherCase }: Setting, env: Environment): string {
  const lower = name.toLowerCase();
  return eitherCase && filled(env[lower]) !== undefined ? lower : name;
}

function filled(text: string | undefined): string | undefined {
  const trimmed = text?.trim();
  return trimmed === undefined || trimmed === '' || UNFILLED.test(trimmed) ? undefined : trimmed;
}

/** What somebody should have filled in: a value with a placeholder in it means nothing. */
function unfilledPart(row: Setting, text: string, setting: string): SettingProblem | undefined {
  const found = placeholderIn(text) ?? (row.secret && isStandIn(text) ? text : undefined);
  if (found === undefined) return undefined;
  return { type: 'unfilled', setting, found: cleanLine(found, 120), allowed: row.allowed };
}

/** A refused URL may contain a user and password. */
const redact = createRedactor([]);

function refused(row: Setting, text: string, setting: string): SettingProblem {
  const isHidden = row.secret === true || row.hideRefused === true;
  const shown = isHidden ? {} : { shown: cleanLine(redact(text, 1_000), 120) };
  return { type: 'refused', setting, ...shown, allowed: row.allowed };
}
