/** The command-line hosts, by their folders below clients/. */
import { clineCli } from './cline-cli.ts';
import { codex } from './codex.ts';
import type { CommandLine } from './command-line.ts';
import { continueCli } from './continue-cli.ts';
import { copilotCli } from './copilot-cli.ts';
import { geminiCli } from './gemini-cli.ts';
import { kimiCode } from './kimi-code.ts';
import { opencode } from './opencode.ts';
import { qwenCode } from './qwen-code.ts';

export const COMMAND_LINES: Readonly<Record<string, CommandLine>> = {
  'cline-cli': clineCli,
  codex,
  'continue-cli': continueCli,
  'copilot-cli': copilotCli,
  'gemini-cli': geminiCli,
  'kimi-code': kimiCode,
  opencode,
  'qwen-code': qwenCode,
};
