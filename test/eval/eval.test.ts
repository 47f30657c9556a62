/** The evaluation itself: what a reader sees, that a goal is told from a miss, and that a recording can be played again. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { JOBS } from './jobs.ts';
import { replay } from './replay.ts';
import { Session, type Step } from './session.ts';
import { comparable, digests, IdMap, type Transcript } from './transcript.ts';

const run = promisify(execFile);

/** Takes the steps that follow from what was shown so far. */
async function play(job: string, steps: readonly ((shown: string) => Step)[]): Promise<Transcript> {
  const session = await Session.open(job);
  try {
    const taken: Transcript['steps'] = [];
    let shown = session.briefing();
    for (const stepAfter of steps) {
      const step = stepAfter(shown);
      shown = await session.step(step);
      taken.push({ afterMs: 0, step, shown });
    }
    const texts = digests(session.texts());
    const { opening } = session;
    return {
      job,
      reader: 'test',
      recorded: '2026-11-28',
      texts,
      opening,
      steps: taken,
      result: await session.result(),
    };
  } finally {
    await session.close();
  }
}

const call = (tool: string, args: object) => (): Step => ({ tool, arguments: args });
const fileIn = (shown: string): string => /\/home\/user\S+\.jpg/.exec(shown)?.[0] ?? 'no file';
const BREAD = { prompt: 'Bread on a wooden table', aspect_ratio: '16:9' };

describe.concurrent('a session', () => {
  it('shows a model what a host gives it, as with the real service', async () => {
    const session = await Session.open('arguments');
    const briefing = session.briefing();
    for (const part of ['{"done": "…"}', 'flux-pro-mcp', '"maxLength":4000', 'Use seed 7', '"n":4', '=== Answer ==='])
      expect(briefing).toContain(part);
    expect(briefing).not.toMatch(/sandbox|127\.0\.0\.1|DOITONG_API_URL sends/i);
    await session.close();
  });

  it('counts what was charged, and finds a picture that nobody wanted', async () => {
    const order = call('generate_image', BREAD);
    const another = call('generate_image', { ...BREAD, allow_duplicate: true });
    const done = (shown: string): Step => ({ done: `Here it is: ${fileIn(shown)}` });
    const once = await play('hero', [order, done]);
    expect(once.result).toMatchObject({ problems: [], calls: 1, charges: [1] });
    expect(once.steps[0]?.shown).toMatch(/\/home\/user\/Pictures\/flux-pro\/.+\n(?:.*\n)*\[image \d+×\d+\]$/);
    const twice = await play('hero', [order, another, done]);
    expect(twice.result).toMatchObject({ calls: 2, charges: [2] });
    expect(twice.result.problems).toContain('2 pictures were charged, not 1');
  });

  it("puts the host's question to the reader, and does nothing else until it is answered", async () => {
    const images = ['Rome', 'Paris', 'Lisbon', 'Vienna', 'Prague', 'Oslo'].map((city) => ({
      prompt: city,
      size: 'large',
    }));
    const { steps, result } = await play('price-asked', [
      call('generate_images', { images }),
      () => ({ done: 'All are there.' }),
      () => ({ answer: 'no' }),
      () => ({ answer: 'yes' }),
      () => ({ done: 'Nothing was made.' }),
    ]);
    const shown = steps.map((step) => step.shown);
    expect(shown[0]).toMatch(/^=== The host asks its user ===\n.*300 credits/);
    expect(shown[1]).toContain('The host is waiting for an answer');
    expect(shown[2]).toMatch(/^(?!===|The host).+/);
    expect(shown[3]).toBe('The host has put no question.');
    expect(result).toMatchObject({ calls: 1, charges: [0] });
    expect(result.problems).toContain('there is no poster of Oslo');
  });

  it('gives a call up when the host does', async () => {
    const session = await Session.open('timeout');
    const shown = await session.step({ tool: 'generate_image', arguments: { prompt: 'A red bicycle' } });
    expect(shown).toBe('The call timed out: the host waited 2 s, and no answer came.');
    await session.close();
  });
});

describe.concurrent('a recording', () => {
  it('is played again with the ids of now, and says which texts have changed', async () => {
    const asked = (shown: string): Step => {
      const [id] = /job_\w{12,}/.exec(shown) ?? [];
      return { tool: 'get_job_status', arguments: { job_id: id } };
    };
    const transcript = await play('hero', [
      call('generate_image', BREAD),
      call('list_jobs', {}),
      asked,
      (shown) => ({ done: fileIn(shown) }),
    ]);
    expect(transcript.result.problems).toEqual([]);
    const again = await replay(transcript);
    expect(again.result).toEqual(transcript.result);
    expect(again).toMatchObject({ changedTexts: [], changedAnswers: [] });

    const [first, ...others] = transcript.steps;
    const older = { ...transcript, texts: { ...transcript.texts, list_jobs: 'another', instructions: 'another' } };
    const changed = await replay({
      ...older,
      steps: [{ ...first, shown: `Otherwise: ${first?.shown}` }, ...others] as never,
    });
    expect(changed.changedTexts).toEqual(['instructions', 'list_jobs']);
    expect(changed.changedAnswers.map(({ step }) => step)).toEqual([first?.step]);
    expect(changed.result.problems).toEqual([]);
  });

  it('is compared without what differs from run to run', () => {
    const text =
      'job_0mx09hppdrse of 2026-11-28T10:22:50.211Z took 12 s, 53 left, then job_0mx09hppdrsf and job_0mx09hppdrse';
    expect(comparable(text)).toBe('job_1 of DATE took DURATION, SOME left, then job_2 and job_1');
  });

  it('maps ids by kind, in the order in which they were met', () => {
    const ids = new IdMap();
    ids.learn(
      'sbx_aaaaaaaaaaaa job_aaaaaaaaaaaa job_bbbbbbbbbbbb',
      'job_cccccccccccc sbx_cccccccccccc job_dddddddddddd',
    );
    const args = { job_ids: ['job_bbbbbbbbbbbb', 'sbx_aaaaaaaaaaaa', 'job_unheard_of', 'job_eeeeeeeeeeee'] };
    expect(ids.translate(args)).toEqual({
      job_ids: ['job_dddddddddddd', 'sbx_cccccccccccc', 'job_unheard_of', 'job_eeeeeeeeeeee'],
    });
  });
});

describe('the fourteen jobs', () => {
  it('are fourteen, with an answer for each turn', () => {
    expect(new Set(JOBS.map(({ id }) => id)).size).toBe(14);
    for (const { says, charges } of JOBS) expect(charges).toHaveLength(says.length);
  });

  it.each(JOBS)('$id is not reached by silence', ({ says, goal }) => {
    const nothing = { orders: [], earlier: [], pictures: [], answers: [] };
    expect(goal({ ...nothing, said: says.map(() => 'Done.') }).filter(Boolean)).not.toEqual([]);
  });
});

describe('the console', () => {
  const console = (...args: string[]) =>
    run('npx', ['tsx', join(import.meta.dirname, 'console.ts'), '--reader', 'vitest', ...args]);

  it('keeps a session between its calls, and ends it unrecorded', async () => {
    const begun = await console('--job', 'hero');
    expect(begun.stdout).toContain('=== The user ===\nMake me one wide hero picture');
    expect((await console('--job', 'hero', 'make it')).stdout).toMatch(/^That is no step\./);
    const listed = await console('--job', 'hero', '{"tool":"list_jobs","arguments":{}}');
    expect(listed.stdout).not.toMatch(/^(?:That is|Error)/);
    expect((await console('--job', 'hero', '--stop')).stdout).toBe('stopped\n');
    await expect(console('--job', 'nothing')).rejects.toThrow('there is no job nothing');
  });
});
