/** The page that a host shows next to a result: it follows the job to its picture, and offers what comes next. */
import { copyText, Host } from './host.ts';
import { type Entry, type Page, type PageState, render, renderElapsed } from './render.ts';
import { isFinished, type ViewedEta, type ViewedJob, type ViewedResult } from './viewed-job.ts';

const WAIT_SECONDS = 20;
/** What is not finished after so long is polled only when somebody asks. */
const PATIENCE_MS = 15 * 60_000;
/** Between two polls that were answered at once. */
const PAUSE_MS = 2_000;

const named = [...document.querySelectorAll('[id]')].map((element) => [element.id, element]);
const page = Object.fromEntries(named) as Page;
const entries = new Map<string, Entry>();
const state: Omit<PageState, 'entries' | 'selected'> = {
  askedPrompt: '',
  trouble: undefined,
  isResting: false,
  isVarying: false,
  canCall: false,
};
const began = performance.now();
let selectedId: string | undefined;
let isFollowing = false;

const host = new Host({
  onInput: ({ prompt }) => {
    if (typeof prompt === 'string') state.askedPrompt = prompt;
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

function selected(): Entry | undefined {
  return entries.get(selectedId ?? '');
}

function select(job: ViewedJob): void {
  selectedId = job.job_id;
  show();
}

function show(): void {
  render(page, { ...state, entries: [...entries.values()], selected: selected() }, ({ job }) => select(job));
  tick();
}

function tick(): void {
  const entry = selected();
  renderElapsed(page, entry?.since ?? began, performance.now(), entry?.eta);
}

/** Adds the job, or takes over what is new about it; the first one is selected. */
function takeJob(job: ViewedJob, picture: string | undefined, eta?: ViewedEta): void {
  const known = entries.get(job.job_id);
  entries.set(job.job_id, {
    job,
    picture: picture ?? known?.picture,
    eta: isFinished(job) ? undefined : eta,
    since: known?.since ?? performance.now(),
  });
  selectedId ??= job.job_id;
}

/** @returns the first job of the result */
function takeResult({ jobs, eta, pictures, text }: ViewedResult): ViewedJob | undefined {
  for (const job of jobs) {
    // Pictures come in the order of the finished jobs.
    const picture = job.status === 'completed' ? pictures.shift() : undefined;
    takeJob(job, picture, eta);
    if (job.status === 'completed' && picture === undefined) void fetchPicture(job);
  }
  state.trouble = jobs.length === 0 ? text || 'The answer holds no picture.' : undefined;
  show();
  return jobs[0];
}

async function fetchPicture(job: ViewedJob): Promise<void> {
  const picture = await host.picture(job.job_id);
  if (picture === undefined) return;
  takeJob(job, picture);
  show();
}

/** The unfinished job that has waited longest. */
function nextOpen(): ViewedJob | undefined {
  return [...entries.values()].map(({ job }) => job).find((job) => !isFinished(job));
}

/** Looks after the open jobs, one after the other, until all are finished or the host refuses. */
async function follow(): Promise<void> {
  if (isFollowing || !state.canCall) return;
  isFollowing = true;
  state.isResting = false;
  const until = performance.now() + PATIENCE_MS;
  try {
    for (let open = nextOpen(); open !== undefined && performance.now() < until; open = nextOpen()) {
      const asked = performance.now();
      const result = await host.call('get_job_status', { job_id: open.job_id, wait_seconds: WAIT_SECONDS });
      if (result.jobs.length === 0) throw new Error(result.text);
      takeResult(result);
      if (performance.now() - asked < PAUSE_MS) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  } catch {
    // The button stays: the user asks again.
  } finally {
    isFollowing = false;
    state.isResting = nextOpen() !== undefined;
    show();
  }
}

function say(words: string): void {
  page.said.textContent = words;
}

page.copy.onclick = async () => {
  if (await copyText(selected()?.job.prompt ?? state.askedPrompt)) return say('The prompt is copied.');
  getSelection()?.selectAllChildren(page.prompt);
  say('The prompt is selected; copy it with your keyboard.');
};

page.open.onclick = async () => {
  const { url, file = '' } = selected()?.job ?? {};
  if (url === undefined) say((await copyText(file)) ? 'The file path is copied.' : 'The file path stands above.');
  else if (!(await host.open(url))) say('The host does not open links. The file is named above.');
};

page.again.onclick = () => void follow();

page.vary.onclick = async () => {
  const job = selected()?.job;
  if (job === undefined || state.isVarying) return;
  state.isVarying = true;
  state.trouble = undefined;
  say('A variation is being ordered.');
  show();
  try {
    const ordered = takeResult(await host.call('generate_image', variationOf(job)));
    if (ordered === undefined) say('Nothing was ordered.');
    else {
      select(ordered);
      say(isFinished(ordered) ? '' : 'The variation is being made.');
      const where = ordered.file === undefined ? '' : ` Its file: ${ordered.file}`;
      await host.updateModel(
        `The user ordered a variation of the picture in the viewer: job ${ordered.job_id}, status ${ordered.status}.${where}`,
      );
    }
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
function variationOf({ prompt, version, ...job }: ViewedJob): Record<string, unknown> {
  // What was delivered may be a size that cannot be ordered. Absent values are not sent.
  const { width, height } = job.ordered ?? job;
  const size = width === undefined || height === undefined ? {} : { width, height };
  return { prompt, version, ...size, allow_duplicate: true, wait_seconds: WAIT_SECONDS };
}

show();
setInterval(tick, 1_000);
void host.connect().then(() => {
  state.canCall = host.canCall;
  show();
  void follow();
});
