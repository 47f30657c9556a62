/** The page that a host shows next to a result: it follows the job to its picture, and offers what comes next. */
import { copyWords, Host } from './host.ts';
import { type Entry, type Page, type PageState, render, renderElapsed } from './render.ts';
import { isFinished, type ViewedJob, type ViewedResult } from './viewed-job.ts';

const WAIT_SECONDS = 20;
/** What is not finished after so long is polled only when somebody asks. */
const PATIENCE_MS = 15 * 60_000;
/** Between two polls that were answered at once. */
const PAUSE_MS = 2_000;

const named = [...document.querySelectorAll('[id]')].map((element) => [element.id, element]);
const page = Object.fromEntries(named) as Page;
const entries = new Map<string, Entry>();
const state: PageState = {
  entries,
  selected: undefined,
  askedPrompt: '',
  trouble: undefined,
  isIdle: false,
  isVarying: false,
  canCall: false,
};
const began = performance.now();
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
    state.trouble =
      'The call was cancelled. A picture that is ordered already is still being made; ask for its status.';
    show();
  },
});

function select(entry: Entry): void {
  state.selected = entry;
  show();
}

function show(): void {
  render(page, state, select);
  tick();
}

function tick(): void {
  renderElapsed(page, state.selected?.since ?? began, performance.now(), state.selected?.eta);
}

/** Adds the jobs, or takes over what is new about them. @returns the first one; the first of all is selected */
function takeResult({ jobs, eta, pictures, text }: ViewedResult): Entry | undefined {
  const taken = jobs.map((job) => {
    const entry = entries.get(job.job_id) ?? { job, picture: undefined, eta, since: performance.now() };
    entries.set(job.job_id, Object.assign(entry, { job, eta }));
    // Pictures come in the order of the finished jobs.
    const picture = job.status === 'completed' ? pictures.shift() : undefined;
    if (picture !== undefined) entry.picture = picture;
    else if (job.status === 'completed') void fetchPicture(entry);
    return entry;
  });
  state.selected ??= taken[0];
  state.trouble = taken.length === 0 ? text || 'There is no picture in this answer.' : undefined;
  show();
  return taken[0];
}

async function fetchPicture(entry: Entry): Promise<void> {
  entry.picture = (await host.picture(entry.job.job_id)) ?? entry.picture;
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
  state.isIdle = false;
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
    state.isIdle = nextOpen() !== undefined;
    show();
  }
}

function say(words: string): void {
  page.said.textContent = words;
}

async function copy(what: string, element: Element): Promise<void> {
  const isCopied = await copyWords(element);
  say(isCopied ? `The ${what} is copied.` : `The ${what} is selected; copy it with your keyboard.`);
}

page.copy.onclick = () => copy('prompt', page.prompt);

page.open.onclick = async () => {
  const url = state.selected?.job.url;
  // The file is the last of the facts.
  if (url === undefined) await copy('file path', page.facts.querySelector('div:last-child dd') as Element);
  else if (!(await host.open(url))) say('The host does not open links. The file is named above.');
};

page.again.onclick = () => void follow();

page.vary.onclick = async () => {
  const job = state.selected?.job;
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
      say(isFinished(ordered.job) ? '' : 'The variation is being made.');
      const { job_id, status, file } = ordered.job;
      const where = file === undefined ? '' : ` Its file: ${file}`;
      await host.updateModel(
        `The user ordered a variation of the picture in the viewer: job ${job_id}, status ${status}.${where}`,
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
