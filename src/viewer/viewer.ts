/** The page that a host shows next to a result: it follows the job to its picture, and offers what comes next. */
import { Album } from './album.ts';
import { copyText } from './clipboard.ts';
import { elementsOf } from './elements.ts';
import { Host } from './host.ts';
import { type PageState, render, renderElapsed } from './render.ts';
import { etaIn, isFinished, jobsIn, picturesIn, type ResultLike, textIn, type ViewedJob } from './viewed-job.ts';

const WAIT_SECONDS = 20;
/** What is not finished after so long is polled only when somebody asks. */
const PATIENCE_MS = 15 * 60_000;
const TICK_MS = 1_000;
/** Between two polls that were answered at once. */
const PAUSE_MS = 2_000;

const page = elementsOf(document);
const album = new Album();
const state: PageState = {
  album,
  askedPrompt: undefined,
  trouble: undefined,
  isResting: false,
  isVarying: false,
  canCall: false,
};
const began = performance.now();
let isFollowing = false;

const host = new Host({
  onInput: (args) => {
    if (typeof args.prompt === 'string') state.askedPrompt = args.prompt;
    show();
  },
  onResult: (result) => {
    takeResult(result);
    void follow();
  },
  onCancelled: () => {
    state.trouble = 'The call was cancelled. A picture that was ordered by then goes on; ask for its status.';
    show();
  },
});

function show(): void {
  render(page, state, (jobId) => {
    album.select(jobId);
    show();
  });
  tick();
}

function tick(): void {
  const entry = album.selected;
  renderElapsed(page, entry?.since ?? began, performance.now(), entry);
}

/** @returns the first job of the result */
function takeResult(result: ResultLike): ViewedJob | undefined {
  const jobs = jobsIn(result);
  const pictures = picturesIn(result);
  const eta = etaIn(result);
  for (const job of jobs) {
    // Pictures come in the order of the finished jobs.
    const picture = job.status === 'completed' ? pictures.shift() : undefined;
    album.take(job, { picture, eta }, performance.now());
    if (job.status === 'completed' && picture === undefined) void fetchPicture(job);
  }
  state.trouble = jobs.length === 0 ? textIn(result) || 'The answer holds no picture.' : undefined;
  show();
  return jobs[0];
}

async function fetchPicture(job: ViewedJob): Promise<void> {
  const picture = await host.picture(job.jobId);
  if (picture === undefined) return;
  album.take(job, { picture }, performance.now());
  show();
}

/** Looks after the open jobs, one after the other, until all are finished or the host refuses. */
async function follow(): Promise<void> {
  if (isFollowing || !state.canCall) return;
  isFollowing = true;
  state.isResting = false;
  const until = performance.now() + PATIENCE_MS;
  try {
    for (let open = album.nextOpen(); open !== undefined && performance.now() < until; open = album.nextOpen()) {
      const asked = performance.now();
      const result = await host.call('get_job_status', { job_id: open.job.jobId, wait_seconds: WAIT_SECONDS });
      const jobs = jobsIn(result);
      if (jobs.length === 0) throw new Error(textIn(result));
      takeResult(result);
      if (performance.now() - asked < PAUSE_MS) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  } catch {
    // The button stays: the user asks again.
  } finally {
    isFollowing = false;
    state.isResting = album.nextOpen() !== undefined;
    show();
  }
}

function say(words: string): void {
  page.said.textContent = words;
}

page.copy.onclick = async () => {
  const prompt = album.selected?.job.prompt ?? state.askedPrompt ?? '';
  if (await copyText(prompt)) return say('The prompt is copied.');
  getSelection()?.selectAllChildren(page.prompt);
  say('The prompt is selected; copy it with your keyboard.');
};

page.open.onclick = async () => {
  const { url, file } = album.selected?.job ?? {};
  if (url !== undefined) {
    if (!(await host.open(url))) say('The host does not open links. The file is named above.');
    return;
  }
  if (file !== undefined) say((await copyText(file)) ? 'The file path is copied.' : 'The file path stands above.');
};

page.again.onclick = () => void follow();

page.vary.onclick = async () => {
  const job = album.selected?.job;
  if (job === undefined || state.isVarying) return;
  state.isVarying = true;
  state.trouble = undefined;
  say('A variation is being ordered.');
  show();
  try {
    const ordered = takeOrdered(await host.call('generate_image', variationOf(job)));
    if (ordered !== undefined) await host.updateModel(summaryOf(ordered));
  } catch {
    state.trouble =
      'It is not known whether the variation was ordered: the host gave no answer. Check list_jobs before ordering again.';
  } finally {
    state.isVarying = false;
    show();
  }
  void follow();
};

/** The same picture once more, as a new order: never repeated by itself. */
function variationOf(job: ViewedJob): Record<string, unknown> {
  const { prompt, version } = job;
  // What was delivered may be a size that cannot be ordered.
  const { width, height } = job.ordered ?? job;
  return {
    prompt,
    ...(width === undefined || height === undefined ? {} : { width, height }),
    ...(version === undefined ? {} : { version }),
    allow_duplicate: true,
    wait_seconds: WAIT_SECONDS,
  };
}

function takeOrdered(result: ResultLike): ViewedJob | undefined {
  const ordered = takeResult(result);
  if (ordered !== undefined) album.select(ordered.jobId);
  say(ordered === undefined ? 'Nothing was ordered.' : isFinished(ordered) ? '' : 'The variation is being made.');
  return ordered;
}

function summaryOf({ jobId, status, file }: ViewedJob): string {
  const where = file === undefined ? '' : ` Its file: ${file}`;
  return `The user ordered a variation of the picture in the viewer: job ${jobId}, status ${status}.${where}`;
}

show();
setInterval(tick, TICK_MS);
void host.connect().then(() => {
  state.canCall = host.canCall;
  show();
  void follow();
});
