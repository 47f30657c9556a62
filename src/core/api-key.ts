/** Recognises API keys, and what people and hosts put in their place by mistake. */

import { cleanLine, fenced } from './untrusted-text.ts';

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
const DIGIT = /\d/u;

/** A word that stands for a value in examples, or that a program writes for none. */
export function isStandIn(text: string): boolean {
  if (text.length > 100) return false;
  return IN_BRACKETS.test(text) || (!DIGIT.test(text) && EXAMPLE.test(text.toLowerCase().replace(/[^a-z]/gu, '')));
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
  return API_KEY.test(text) || mistakeIn(text, '') !== undefined;
}

/**
 * What is wrong with a text in the place of a key, as a sentence; it shows placeholders, and nothing that may be a part
 * of a key.
 * @param text without the space around it
 * @param where completes "… contains", such as the name of the variable
 */
export function keyProblem(text: string, where: string): string | undefined {
  const mistake = mistakeIn(text, where);
  if (mistake !== undefined) return mistake;
  if (/[\r\n]/u.test(text)) return `${where} contains several lines; it should contain only the key.`;
  if (API_KEY.test(text)) return undefined;
  return `${where} does not contain one key of 8 to 512 visible characters without spaces.`;
}

function mistakeIn(text: string, where: string): string | undefined {
  const placeholder = placeholderIn(text);
  if (placeholder !== undefined)
    return `The host did not fill in ${cleanLine(placeholder, 120)}: ${where} still contains that placeholder in place of the key.`;
  if (isStandIn(text)) return `${where} contains ${fenced(text, 100)}, an example in place of a key.`;
  const [reference] = REFERENCE.exec(text) ?? [];
  if (reference !== undefined)
    return `${where} contains a reference (${reference}…) that nothing has replaced by the key.`;
  if (STRUCTURED.test(text.slice(0, CHECKED_CHARACTERS)))
    return `${where} contains JSON; it should contain only the key.`;
  if (FENCED.test(text)) return `${where} contains quotation marks, which are not part of a key.`;
  if (SCHEME.test(text)) return `${where} contains a whole header ("Bearer …"); it should contain only the key.`;
  const [, name] = ASSIGNED.exec(text.slice(0, CHECKED_CHARACTERS)) ?? [];
  if (name !== undefined && (KEY_NAME.test(name) || /^[A-Z][A-Z0-9_]*$/u.test(name)))
    return `${where} contains a whole line of the form NAME=key; it should contain only the key.`;
  return undefined;
}
