/** The viewer in a real browser, inside a real host page: seen at every width, by everybody, asking nobody. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import axe from 'axe-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { dataResult, jobOf, metaResult, openJob, PROMPT, pictureData, severalResult } from './results.ts';
import { type Answers, CHROMIUM, hasChromium, openTheatre, type Stage, type Theatre } from './stage.ts';

if (!hasChromium) console.warn(`The viewer is not tested: there is no browser at ${CHROMIUM} (CHROMIUM_PATH).`);

const SCREENSHOTS = join(import.meta.dirname, '..', '..', 'docs', 'images');
const PICTURE = await pictureData(PROMPT, 608, 416);
const OTHER = await pictureData('Another lighthouse', 608, 416);

describe.skipIf(!hasChromium)('the viewer', () => {
  let theatre: Theatre;
  let stage: Stage;
  beforeAll(async () => {
    theatre = await openTheatre();
  });
  afterAll(() => theatre.close());
  afterEach(async () => {
    expect(stage.troubles).toEqual([]);
    await stage.close();
  });

  const open = async (answers: Answers = {}, check: Parameters<Theatre['open']>[1] = {}): Promise<Stage> => {
    stage = await theatre.open(answers, check);
    return stage;
  };

  async function expectPicture(minWidthPx = 200): Promise<void> {
    const picture = stage.frame.locator('#picture');
    await picture.waitFor({ state: 'visible' });
    await stage.frame.waitForFunction('document.querySelector("#picture").naturalWidth > 0');
    const box = await picture.boundingBox();
    expect(box?.width).toBeGreaterThan(minWidthPx);
    expect(box?.height).toBeGreaterThan(80);
  }

  async function expectAccessible(): Promise<void> {
    await stage.frame.evaluate(axe.source);
    const { violations } = (await stage.frame.evaluate('axe.run()')) as axe.AxeResults;
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
  }

  async function keep(name: string): Promise<void> {
    if (process.env.UPDATE_SCREENSHOTS === undefined) return;
    await mkdir(SCREENSHOTS, { recursive: true });
    await stage.page.locator('iframe').screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
  }

  describe.each(['light', 'dark'] as const)('in a %s host', (theme) => {
    it.each([320, 640, 1_200])('shows the picture %d pixels wide, with its words, for everybody', async (width) => {
      await open({}, { width, theme });
      await stage.result(dataResult(jobOf(), PICTURE));
      await expectPicture();
      expect(await stage.frame.locator('#picture').getAttribute('alt')).toBe(PROMPT);
      expect(await stage.text('prompt')).toBe(PROMPT);
      expect(await stage.text('facts')).toMatch(/1216 × 832.*12.*flux-pro-1\.1/);
      expect(await stage.frame.locator('#sandbox').isHidden()).toBe(true);
      const wide = await stage.frame.evaluate('document.documentElement.scrollWidth - innerWidth');
      expect(wide).toBeLessThanOrEqual(0);
      await expectAccessible();
      if (width === 640) await keep(`viewer-${theme}`);
      if (width === 320 && theme === 'light') await keep('viewer-narrow');
    });

    it('shows what goes on while the picture is made', async () => {
      await open({ call: () => new Promise(() => undefined) }, { theme, width: 640 });
      await stage.input({ prompt: PROMPT });
      expect(await stage.text('headline')).toBe('The picture is being ordered');
      expect(await stage.text('prompt')).toBe(PROMPT);
      await stage.result(metaResult(openJob({ sandbox: true }), undefined, { fraction: 0.42, seconds_left: 7 }));
      expect(await stage.text('headline')).toBe('The picture is being made');
      expect(await stage.text('elapsed')).toMatch(/^\d+ s, about 7 s left$/);
      expect(await stage.frame.locator('#progress').getAttribute('aria-valuenow')).toBe('42');
      expect(await stage.text('sandbox')).toBe('Sandbox picture');
      await expectAccessible();
      await keep(`viewer-progress-${theme}`);
    });

    it('shows why there is no picture, and whether it cost anything', async () => {
      await open({}, { theme });
      const error = { kind: 'moderated', message: 'The service refused the prompt.', credits_spent: 'no' };
      const { url: _u, file: _f, ...job } = jobOf({ status: 'failed', error, next: 'Change the prompt.' });
      await stage.result({ ...dataResult(job), isError: true });
      expect(await stage.text('headline')).toBe('There is no picture');
      expect(await stage.text('trouble')).toBe(
        'The service refused the prompt.\nNo credits were spent.\nChange the prompt.',
      );
      await expectAccessible();
    });
  });

  it('follows an open job to its picture', async () => {
    const answers = [metaResult(openJob(), undefined, { fraction: 0.6 }), metaResult(jobOf(), PICTURE)];
    await open({ call: () => answers.shift() ?? {} });
    await stage.result(metaResult(openJob()));
    await expectPicture();
    expect(stage.calls).toEqual([
      { name: 'get_job_status', args: { job_id: 'job_1', wait_seconds: 20 } },
      { name: 'get_job_status', args: { job_id: 'job_1', wait_seconds: 20 } },
    ]);
  });

  it('asks again only on request, where the host refused', async () => {
    let isWilling = false;
    await open({ call: () => (isWilling ? metaResult(jobOf(), PICTURE) : Promise.reject(new Error('no'))) });
    await stage.result(metaResult(openJob()));
    await stage.frame.locator('#again').waitFor({ state: 'visible' });
    expect(stage.calls).toHaveLength(1);
    isWilling = true;
    await stage.frame.locator('#again').click();
    await expectPicture();
    expect(stage.calls).toHaveLength(2);
  });

  it('fetches the saved picture through the host where the result has none', async () => {
    const read: string[] = [];
    await open({
      read: (uri) => {
        read.push(uri);
        return { contents: [{ uri, mimeType: 'image/jpeg', blob: PICTURE }] };
      },
    });
    await stage.result(dataResult(jobOf()));
    await expectPicture();
    expect(read).toEqual(['flux://images/job_1']);
  });

  it('orders one variation for a double click, shows it, and tells the model', async () => {
    const second = jobOf({ job_id: 'job_2', file: '/pictures/2.jpg' });
    let finish: () => void = () => undefined;
    const ordered = new Promise<void>((resolve) => {
      finish = resolve;
    });
    await open({ call: () => ordered.then(() => metaResult(second, OTHER)) });
    await stage.result(metaResult(jobOf(), PICTURE));
    await stage.frame.locator('#vary').dblclick();
    await stage.frame.locator('#vary:disabled').waitFor();
    finish();
    await stage.frame.locator('#strip button').nth(1).waitFor();
    expect(stage.calls).toEqual([
      {
        name: 'generate_image',
        args: {
          prompt: PROMPT,
          width: 1216,
          height: 832,
          version: 'flux-pro-1.1',
          allow_duplicate: true,
          wait_seconds: 20,
        },
      },
    ]);
    expect(await stage.frame.locator('#strip button[aria-pressed=true]').count()).toBe(1);
    expect(await stage.frame.locator('#picture').getAttribute('src')).toContain(OTHER.slice(0, 400));
    await expect.poll(() => stage.reported.join()).toMatch(/variation.*job_2.*\/pictures\/2\.jpg/);
    await expectAccessible();
    await keep('viewer-variation');
  });

  it('says why a variation was refused, and orders nothing by itself', async () => {
    const text = 'This picture may cost up to 50 credits. Nothing was sent.\nNext: ask the user.';
    await open({ call: () => ({ content: [{ type: 'text', text }], isError: true }) });
    await stage.result(metaResult(jobOf(), PICTURE));
    await stage.frame.locator('#vary').click();
    await expect.poll(() => stage.text('trouble')).toBe(text);
    expect(await stage.text('said')).toBe('Nothing was ordered.');
    expect(stage.calls).toHaveLength(1);
    await expectPicture();
  });

  it('shows several pictures, each of which can be chosen by keyboard', async () => {
    await open({}, { width: 640 });
    const failed = {
      job_id: 'job_3',
      status: 'failed',
      prompt: 'third',
      error: { message: 'No.', credits_spent: 'no' },
    };
    const jobs = [jobOf(), jobOf({ job_id: 'job_2', prompt: 'second' }), failed];
    await stage.result(severalResult(jobs, [PICTURE, OTHER]));
    await expectPicture();
    await stage.frame.locator('#strip button').nth(1).press('Enter');
    expect(await stage.text('prompt')).toBe('second');
    await stage.frame.locator('#strip button').nth(2).press('Enter');
    expect(await stage.text('trouble')).toContain('No credits were spent.');
    await stage.frame.locator('#strip button').nth(0).press('Enter');
    await expectAccessible();
    await keep('viewer-several');
  });

  it('takes a contact sheet for the picture of no job, and fetches each of them', async () => {
    const read: string[] = [];
    await open({
      read: (uri) => {
        read.push(uri);
        return { contents: [{ uri, mimeType: 'image/jpeg', blob: PICTURE }] };
      },
    });
    await stage.result(severalResult([jobOf(), jobOf({ job_id: 'job_2', prompt: 'second' })], [OTHER]));
    await expectPicture();
    expect(read.sort()).toEqual(['flux://images/job_1', 'flux://images/job_2']);
  });

  it('opens the picture where it lies, or gives the path of its file', async () => {
    await open();
    await stage.result(metaResult(jobOf(), PICTURE));
    await stage.frame.locator('#open').click();
    await expect.poll(() => stage.opened).toEqual(['https://cdn.doitong.com/outputs/1.jpg']);
    const { url: _, ...local } = jobOf();
    await stage.result(metaResult(local, PICTURE));
    await expect.poll(() => stage.text('open')).toBe('Copy file path');
    await stage.frame.locator('#open').click();
    await expect.poll(() => stage.text('said')).toMatch(/file path/);
  });

  it('copies the prompt, or selects it', async () => {
    await open();
    await stage.result(metaResult(jobOf(), PICTURE));
    await stage.frame.locator('#copy').click();
    await expect.poll(() => stage.text('said')).toMatch(/^The prompt is (?:copied|selected)/);
  });

  it('offers nothing that its host does not take', async () => {
    await open({}, { canCall: false });
    await stage.result(metaResult(openJob()));
    expect(await stage.frame.locator('#vary').isHidden()).toBe(true);
    expect(await stage.frame.locator('#again').isHidden()).toBe(true);
    expect(stage.calls).toEqual([]);
  });

  it('takes whatever it is given for words: nothing runs, nothing opens', async () => {
    await open();
    const evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
    const job = jobOf({
      prompt: evil,
      url: 'javascript:alert(1)',
      file: evil,
      version: evil,
      error: { message: evil },
    });
    await stage.result({
      content: [{ type: 'image', data: 'AAAA', mimeType: 'image/svg+xml' }],
      structuredContent: job,
    });
    expect(await stage.text('prompt')).toBe(evil);
    expect(await stage.text('open')).toBe('Copy file path');
    expect(await stage.frame.locator('main img:visible').count()).toBe(0);
    for (const odd of [null, 1, 'x', [], { job_id: 1 }, { jobs: 'x' }, { jobs: [null, 3] }])
      await stage.result({ content: [{ type: 'text', text: 'odd' }], structuredContent: odd });
    expect(await stage.frame.title()).toBe('Flux picture');
    expect(stage.opened).toEqual([]);
  });
});
