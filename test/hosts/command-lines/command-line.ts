/** How a command-line host is configured for the fake model and for the server under test, and started. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DialectName } from '../fake-model/conversation.ts';
import type { Stage } from '../stage.ts';

/** What a client has to know: where the model is, how long it waits for a tool, and what the user says. */
export type Task = { dialect: DialectName; url: string; prompts: string[]; timeoutMs?: number };

export type CommandLine = (question: {
  stage: Stage;
  task: Task;
  prompt: string;
  /** The Node that it runs on. */
  node: string;
}) => Promise<{ command: string[]; env: Record<string, string> }>;

export const KEY = 'no-key-is-needed-here';

export async function put(file: string, content: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}

/** A file of an installed package. */
export const binOf = (path: string): string => join(import.meta.dirname, '../node_modules', path);

/** Texts and lists of texts are written in TOML as in JSON. */
export const toml = (value: unknown): string => JSON.stringify(value);
