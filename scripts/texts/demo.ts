/** What the demo prints, of a server that is played: the very program, its answers rendered by the code of the tools. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { drawPicture } from '../../sandbox/drawing.ts';
import { profileOf } from '../../src/mcp/hosts.ts';
import { jobsResult } from '../../src/mcp/result.ts';
import { listTools } from '../../src/mcp/tool-listing.ts';
import { systemClock } from '../../src/runtime/system.ts';
import { failureOf } from '../text-samples/failures.ts';
import { jobIn, NOW } from '../text-samples/jobs.ts';
import { onMachine } from './machine.ts';
import { block } from './markdown.ts';
import { progressMessages } from './waiting.ts';

const SERVER = fileURLToPath(new URL('played-server.mjs', import.meta.url));
const PROMPT = 'A lighthouse at dusk, watercolour';
const SIZE = { width: 1248, height: 832 };

export function demo(): Promise<string> {
  return onMachine(async ({ home, shell }) => {
    const file = join(home, 'Pictures/flux-pro/2026-11/a-lighthouse-at-dusk_job_0mxyz1234abcdefghijk.jpg');
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, await drawPicture(PROMPT, SIZE.width, SIZE.height));
    const request = { prompt: PROMPT, ...SIZE };
    const saved = jobIn('saved', { request, file, size: SIZE, sandbox: true });
    const failed = jobIn('failed', { request, sandbox: true, failure: failureOf('job_without_picture') });
    const shown: string[] = [];
    for (const job of [saved, failed]) {
      const env = { PLAYED: JSON.stringify(await played(job)) };
      shown.push(block(await shell(`demo --prompt "${PROMPT}"`, { env, program: SERVER })));
    }
    return shown.join('\n\n');
  });
}

async function played(job: ReturnType<typeof jobIn>) {
  const protocolVersion = '2025-11-25';
  const form = {
    ...profileOf({ clientName: 'flux-pro-mcp-demo', protocolVersion }),
    maxSidePx: 2_000,
    hasViewer: false,
  };
  const preview = { bytes: new Uint8Array(24_000), mediaType: 'image/jpeg', isPreview: true };
  const answer = await jobsResult({ type: 'job', job }, form, {
    view: { now: NOW },
    pictureOf: async () => ({ ...preview, size: { width: 624, height: 416 } }),
    sheetOf: async () => undefined,
    redact: (text) => text,
    clock: { ...systemClock, monotonic: () => 0 },
  });
  const serverInfo = { name: 'flux-pro-mcp', version: '1.0.0' };
  return {
    progress: (await progressMessages()).slice(0, 2).map((message, at) => ({ progress: 0.4 * (at + 1), message })),
    results: {
      initialize: { protocolVersion, capabilities: { tools: {} }, serverInfo },
      'tools/list': { tools: listTools() },
      'tools/call': answer,
    },
  };
}
