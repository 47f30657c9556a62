/** What a command of the command line is; each has a file of its own that loads when it is called. */
import type { SettingName } from '../config/settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A flag of one command that is not a setting; `value`, as help shows it, is absent for a switch. */
export type CommandFlag = { name: string; value?: string; repeatable?: true; help: string };

/** A part of one command's help that is not made from its flags and settings. */
export type HelpSection = { title: string; rows: readonly { name: string; text: string }[] };

/** A word that may follow the name of a command; without `words`, any. */
export type Positional = { name: string; words?: readonly string[]; help: string };

export type Arguments = {
  /** The positionals that were given. */
  words: readonly string[];
  /** Values of flags by name: "true" for a switch. */
  flags: Readonly<Record<string, string | undefined>>;
  /** Values of repeatable flags by name, in their order. */
  lists: Readonly<Record<string, readonly string[] | undefined>>;
  env: Environment;
  /** Path of the program itself, for commands that start it as a child. */
  program: string;
};

export type Command = {
  name: string;
  summary: string;
  positionals?: readonly Positional[];
  flags: readonly CommandFlag[];
  /** The settings that it takes, as flags too. */
  settings: readonly SettingName[];
  /** Further sections of its help, where they are too much to load with every start. */
  details?: () => Promise<readonly HelpSection[]>;
  /** @returns the exit code; a command that serves never returns */
  load: () => Promise<{ run: (args: Arguments) => Promise<number> }>;
};

/** Bad arguments: printed as they are, without a stack, with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
