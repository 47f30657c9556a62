/** Recognises API keys, and what people and hosts put in their place by mistake. */
import type { KeyProblem } from './reasons.ts';
import { cleanLine } from './untrusted-text.ts';

/** Characters that a header allows, and enough of them to be removed from texts safely. */
const API_KEY = /^[\x21-\x7e]{8,512}$/u;

/** Longer texts contain no placeholder worth naming. */
const CHECKED_CHARACTERS = 2_000;

/** What hosts, shells and templates fill in, or fail to: VS Code, Cursor, npm, cmd, PowerShell, Helm. */
const PLACEHOLDERS: readonly RegExp[] = [
  /\$\{[^{}]{0,100}\}/u,
  /\{\{[^{}]{0,100}\}\}/u,
  /\$\([A-Za-z_]\w{0,99}\)/u,
  /^\$(?:[Ee][Nn][Vv]:\w{1,100}|[A-Z_][A-Z0-9_]{2,99})(?=$|[\\/])/u,
  /^%[A-Za-z_]\w{1,99}%(?=$|[\\/])/u,
];

/** The first part of a value that somebody should have filled in. */
export function placeholderIn(text: string): string | undefined {
  const checked = text.slice(0, CHECKED_CHARACTERS);
  return PLACEHOLDERS.flatMap((pattern) => pattern.exec(checked) ?? [])[0];
}

const IN_BRACKETS = /^[<[][A-Za-z][\w .:-]{0,98}[>\]]$/u;
/** Once everything but letters is taken out. */
const EXAMPLE =
  /^(?:undefined|null|none|nil|nan|unset|empty|false|true|todo|tbd|changeme|example|placeholder|redacted|secret|password|x{4,}|(?:your|my|the|insert|enter|paste|put|replace|add|set)?(?:with)?(?:your|my|the)?(?:own)?(?:doitong|flux|fluxpro)?(?:api|secret|access)?(?:key|token)(?:here|goeshere)?)$/u;

/** A word that stands for a value in examples, or that a program writes for none. */
export function isStandIn(text: string): boolean {
  if (text.length > 100) return false;
  return IN_BRACKETS.test(text) || (!/\d/u.test(text) && EXAMPLE.test(text.toLowerCase().replace(/[^a-z]/gu, '')));
}

/** References that a password manager should have replaced: 1Password, Bitwarden, Vault and the stores of clouds. */
const REFERENCE = /^(op|bws?|vault|keyring|keychain|pass|secret|secretref|ref|env|file|aws-?sm|gcp-?sm|azurekv):\/\//iu;
const STRUCTURED = /^[{[].*[}\]]$/su;
const FENCED = /^["'`\u2018\u201c]|["'`\u2019\u201d]$/u;
const ASSIGNED = /^(?:(?:export|set|setx|let) {1,4})?\$?(?:[Ee][Nn][Vv]:)?([A-Za-z_]\w{0,99}) {0,4}[=:] {0,4}[^=\s]/u;
const KEY_NAME = /key|token|secret|authorization/iu;
const SCHEME = /^(?:authorization: {0,4})?(?:bearer|basic|token)\s/iu;

/** Whether it could be sent as a key, or is plainly a mistake that a later call can explain. */
export function isKeyOrMistake(text: string): boolean {
  return API_KEY.test(text) || mistakeIn(text) !== undefined;
}

/** What is wrong with a text in the place of a key. @param text without the space around it */
export function keyProblem(text: string): KeyProblem | undefined {
  if (API_KEY.test(text)) return mistakeIn(text);
  return mistakeIn(text) ?? { type: /[\r\n]/u.test(text) ? 'several_lines' : 'malformed' };
}

function mistakeIn(text: string): KeyProblem | undefined {
  const placeholder = placeholderIn(text);
  if (placeholder !== undefined) return { type: 'placeholder', shown: cleanLine(placeholder, 120) };
  if (isStandIn(text)) return { type: 'example', shown: cleanLine(text, 100).replaceAll('"', "'") };
  const [reference] = REFERENCE.exec(text) ?? [];
  if (reference !== undefined) return { type: 'reference', shown: reference };
  if (STRUCTURED.test(text.slice(0, CHECKED_CHARACTERS))) return { type: 'json' };
  if (FENCED.test(text)) return { type: 'quotes' };
  if (SCHEME.test(text)) return { type: 'header' };
  const [, name] = ASSIGNED.exec(text.slice(0, CHECKED_CHARACTERS)) ?? [];
  const isAssignment = name !== undefined && (KEY_NAME.test(name) || /^[A-Z][A-Z0-9_]*$/u.test(name));
  return isAssignment ? { type: 'assignment' } : undefined;
}
