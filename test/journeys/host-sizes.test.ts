/** How large results are on every host, for pictures of every size: the table in docs/hosts.md is what was found here. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import type { PreviewBounds } from '../../src/core/image-store.ts';
import { createPreview } from '../../src/images/preview.ts';
import { Pictures, type PicturesDeps } from '../../src/jobs/pictures.ts';
import { HOST_PROFILES, IMAGE_SIDE_MAX_PX } from '../../src/mcp/hosts.ts';
import { jobsResult } from '../../src/mcp/result.ts';
import { systemClock } from '../../src/runtime/system.ts';
import { jpegOf } from '../support/pictures.ts';
import { CREATED_AT, sampleJob } from '../unit/core/sample-jobs.ts';

const DOCUMENT = join(import.meta.dirname, '..', '..', 'docs', 'hosts.md');
const BLOCK = /<!-- host-sizes:begin -->\n[\s\S]*?<!-- host-sizes:end -->/u;
const SIDES = [512, 768, 1_024, 1_536, 2_048];
const silent = { debug() {}, info() {}, warn() {}, error() {} };

const preview = createPreview({ clock: systemClock, log: silent });
afterAll(() => preview.close());

const grouped = (figure: number): string => figure.toLocaleString('en-US');

async function columnFor(profile: (typeof HOST_PROFILES)[number], side: number, bytes: Uint8Array): Promise<string> {
  const form = {
    content: profile.content,
    maxCharacters: profile.maxCharacters,
    maxBatchCharacters: profile.maxBatchCharacters,
    maxSidePx: IMAGE_SIDE_MAX_PX,
    hasViewer: false,
  };
  let shown = 'no picture';
  const job = sampleJob({
    state: 'saved',
    file: '/home/user/Pictures/flux-pro/2026-11/a-fox_job_1.jpg',
    url: 'https://cdn.doitong.com/outputs/1.jpg',
    request: { prompt: 'a fox', width: side, height: side },
  });
  const times = { now: CREATED_AT };
  // As the program shows them: the room counts in steps, so that a word more is no new table. The bytes are taken over.
  const store = { read: async () => Uint8Array.from(bytes) };
  const pictures = new Pictures({ preview, store } as unknown as PicturesDeps);
  const pictureOf = async (_: Job, bounds: PreviewBounds) => {
    const picture = await pictures.show(job, bounds);
    if (typeof picture === 'object' && picture.size !== undefined)
      shown = picture.isPreview ? `${picture.size.width} px` : 'whole';
    return picture;
  };
  const clock = { ...systemClock, monotonic: () => 0 };
  const deps = { view: times, pictureOf, sheetOf: async () => undefined, redact: (text: string) => text, clock };
  const result = await jobsResult({ type: 'job', job }, form, deps);
  const characters = JSON.stringify(result).length;
  expect(characters).toBeLessThanOrEqual(profile.maxCharacters);
  if (profile.content.includes('image')) expect(shown).not.toBe('no picture');
  // To the next thousand: what changes with a word is not worth a new table.
  return `${shown}, ${grouped(Math.ceil(characters / 1_000))} k`;
}

it('the table of sizes in docs/hosts.md is what results are', async () => {
  const pictures = await Promise.all(SIDES.map((side) => jpegOf(side, side, { grain: 0.2 })));
  const rows: string[][] = [];
  // Hosts that take the same get the same.
  const columns = new Map<string, string>();
  for (const profile of HOST_PROFILES) {
    const columnTexts: string[] = [];
    for (const [at, side] of SIDES.entries()) {
      const key = JSON.stringify([profile.content, profile.maxCharacters, side]);
      const column = columns.get(key) ?? (await columnFor(profile, side, pictures[at] ?? new Uint8Array()));
      columns.set(key, column);
      columnTexts.push(column);
    }
    rows.push([profile.host, ...columnTexts]);
  }
  const head = SIDES.map((side, at) => `${side}² (${grouped(Math.ceil((pictures[at]?.length ?? 0) / 1_024))} kB)`);
  const line = (columnTexts: string[]): string => `| ${columnTexts.join(' | ')} |`;
  const table = [line(['host', ...head]), line(['---', ...head.map(() => '---')]), ...rows.map(line)].join('\n');
  const block = `<!-- host-sizes:begin -->\n\n${table}\n\n<!-- host-sizes:end -->`;
  const document = readFileSync(DOCUMENT, 'utf8');
  if (process.env.UPDATE_DOCS !== undefined)
    writeFileSync(
      DOCUMENT,
      document.replace(BLOCK, () => block),
    );
  else expect(BLOCK.exec(document)?.[0], 'UPDATE_DOCS=1 writes it again').toBe(block);
}, 120_000);
