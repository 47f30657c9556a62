/** Settings as commands get them: loaded, or a usage error that names what is wrong. */
import { loadConfig, type SettingProblem } from '../config/load-config.ts';
import { type Config, SETTING_NAMES, SETTINGS, type SettingName, wholeNumberOf } from '../config/settings.ts';
import { isStandIn, placeholderIn } from '../core/api-key.ts';
import { proxySecrets } from '../core/proxy.ts';
import { Secrets } from '../core/redaction.ts';
import { type Arguments, UsageError } from './command.ts';

/** Not used with the built-in sandbox, which has a key and an address of its own and sends no webhooks. */
export const NOT_FOR_SANDBOX: readonly SettingName[] = SETTING_NAMES.filter(
  (name) => name !== 'plan' && /^DOITONG_|_PROXY$/u.test(SETTINGS[name].env),
);

/** Nobody waits for an answer or listens for webhooks in a command that ends. */
export const NOT_FOR_JOBS: readonly SettingName[] = [
  'webhookSecret',
  'webhookListen',
  'waitSeconds',
  'preview',
  'resultContent',
];

/** @param left settings that are not used. @throws UsageError with one line for each bad setting */
export async function settingsOf(args: Arguments, left: readonly SettingName[] = []): Promise<Config> {
  const loaded = loadConfig(args.flags, args.env, left);
  const problems = loaded.ok ? await hostProblems(loaded.config) : loaded.problems.map(settingProblemText);
  if (loaded.ok && problems.length === 0) return loaded.config;
  throw new UsageError(`the settings are not valid.\n${problems.map((line) => `  ${line}`).join('\n')}`);
}

export function settingProblemText(problem: SettingProblem): string {
  if (problem.type === 'lacking') {
    const { setting, needs, absent } = problem;
    const names = absent.join(' and ');
    return `${setting}: it needs ${needs.join(' and ')}, and ${names} ${absent.length > 1 ? 'are' : 'is'} not set.`;
  }
  const { setting, allowed } = problem;
  if (problem.type === 'unfilled')
    return `${setting}: the host did not fill in ${problem.found}. Write the value itself there. Allowed: ${allowed}.`;
  const shown = problem.shown === undefined ? 'the value (not shown)' : `"${problem.shown}"`;
  return `${setting}: ${shown} is not allowed. Allowed: ${allowed}.`;
}

/** The list of such names is loaded only where somebody has set the hosts. */
async function hostProblems({ downloadHosts }: Config): Promise<string[]> {
  const row = SETTINGS.downloadHosts;
  if (downloadHosts.join() === row.default) return [];
  const { get: registeredName } = await import('psl');
  // `co.uk`, `github.io`, `s3.amazonaws.com`: whoever allows one of them allows strangers.
  return downloadHosts
    .filter((host) => registeredName(host) === null)
    .map((host) => `${row.env}: "${host}" is not allowed: anybody can have a host below it. Allowed: ${row.allowed}.`);
}

/** A whole number given to a flag of a command. @throws UsageError */
export function wholeNumber(args: Arguments, flag: string, bounds: { min: number; max: number }): number | undefined {
  const text = args.flags[flag];
  if (text === undefined) return undefined;
  const value = wholeNumberOf(text, bounds.min, bounds.max);
  if (value !== undefined) return value;
  throw refusedFlag(flag, text, `a whole number from ${bounds.min} to ${bounds.max}`);
}

/** One of these words given to a flag of a command. @throws UsageError */
export function oneOf<Word extends string>(args: Arguments, flag: string, words: readonly Word[]): Word | undefined {
  const text = args.flags[flag];
  const word = words.find((known) => known === text);
  if (text === undefined || word !== undefined) return word;
  throw refusedFlag(flag, text, words.join(', '));
}

function refusedFlag(flag: string, text: string, allowed: string): UsageError {
  return new UsageError(`--${flag}: ${JSON.stringify(text)} is not allowed. Allowed: ${allowed}.`);
}

export function secretsOf(config: Pick<Config, 'apiKey' | 'webhookSecret' | 'httpsProxy' | 'httpProxy'>): Secrets {
  const { apiKey, webhookSecret } = config;
  const given = [apiKey, webhookSecret].filter((secret) => secret !== undefined).filter(isSecret);
  return new Secrets([...given, ...proxySecrets(config)]);
}

/** A placeholder is no secret: removing it would blank out the very words that say what is wrong. */
export function isSecret(text: string): boolean {
  return placeholderIn(text) === undefined && !isStandIn(text);
}
