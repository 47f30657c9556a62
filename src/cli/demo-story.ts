/** What the demo does, with any MCP client: order a picture, show progress, print the answer, check the file. */
import { readFile } from 'node:fs/promises';
import { decodeJpeg } from '../images/codecs.ts';
import { progressBar } from './progress-bar.ts';
import { visible } from './terminal-text.ts';

export const DEMO_PROMPT = 'A lighthouse on a cliff at dawn, soft warm light, wide angle, calm sea, watercolour';

export type DemoAnswer = {
  content: readonly { type: string; [key: string]: unknown }[];
  structuredContent?: Record<string, unknown> | undefined;
  isError?: boolean | undefined;
};

/** A connected MCP client, of whichever protocol era. */
export interface DemoClient {
  /** For the transcript: client library and protocol version. */
  readonly speaks: string;
  listTools(): Promise<string[]>;
  callTool(
    name: string,
    args: Record<string, unknown>,
    onProgress: (progress: { progress: number; message?: string | undefined }) => void,
  ): Promise<DemoAnswer>;
  close(): Promise<void>;
}

/** @returns 0 only if the picture is on disk and decodes in the size that was ordered */
export async function playStory(client: DemoClient, prompt: string, out: NodeJS.WriteStream): Promise<number> {
  const say = (line: string): void => void out.write(`${visible(line)}\n`);
  say(`Connected over stdio: ${client.speaks}`);
  say(`Tools: ${(await client.listTools()).join(', ')}`);
  say('');
  say(`> generate_image ${JSON.stringify({ prompt, aspect_ratio: '3:2' })}`);
  const bar = progressBar(out);
  const answer = await client.callTool('generate_image', { prompt, aspect_ratio: '3:2', wait_seconds: 60 }, (step) =>
    bar.show(step.progress, step.message ?? ''),
  );
  bar.done(answer.isError === true ? 'failed' : 'done');
  say('');
  say('What the agent sees:');
  for (const part of answer.content) say(describePart(part));
  if (answer.structuredContent !== undefined) say(`[structured] ${JSON.stringify(answer.structuredContent)}`);
  say('');
  return checkPicture(answer, say);
}

function describePart(part: DemoAnswer['content'][number]): string {
  if (part.type === 'text') return String(part.text).replace(/^/gmu, '  ');
  if (part.type === 'image') return `  [image] ${part.mimeType}, ${String(part.data).length} Base64 characters`;
  return `  [${part.type}] ${part.uri ?? ''}`;
}

/** The path stands in the text, where every host's model finds it. */
async function checkPicture(answer: DemoAnswer, say: (line: string) => void): Promise<number> {
  const text = answer.content.map((part) => (part.type === 'text' ? String(part.text) : '')).join('\n');
  const [, file] = /^File: (.+)$/mu.exec(text) ?? [];
  if (answer.isError === true || file === undefined) {
    say('The demo failed: the answer has no finished picture.');
    return 1;
  }
  try {
    const picture = await decodeJpeg(await readFile(file));
    say(`The picture is on disk and decodes: ${picture.width} × ${picture.height} pixels`);
    say(file);
    return 0;
  } catch (error) {
    say(`The demo failed: ${file}: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}
