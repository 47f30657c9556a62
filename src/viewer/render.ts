/** Brings the page to what is known: the picture, its progress, its facts, and what can be done with it. */
import type { Album, Entry } from './album.ts';
import type { Elements } from './elements.ts';
import { hasWholePrompt, isFinished, type ViewedJob } from './viewed-job.ts';

export type PageState = {
  album: Album;
  /** What the call asked for, before there is a job. */
  askedPrompt: string | undefined;
  /** What went wrong apart from the job: a refused call. */
  trouble: string | undefined;
  /** The open job is not polled any more. */
  isResting: boolean;
  isVarying: boolean;
  canCall: boolean;
};

const SPENT: Readonly<Record<string, string>> = {
  no: 'No credits were spent.',
  maybe: 'It is not known whether credits were spent.',
  yes: 'The credits are spent.',
};

export function render(page: Elements, state: PageState, onSelect: (jobId: string) => void): void {
  const entry = state.album.selected;
  renderStage(page, entry, state);
  renderStrip(page, state.album, onSelect);
  renderWords(page, entry, state);
  renderActions(page, entry, state);
}

/** @param now milliseconds of the page's clock */
export function renderElapsed(page: Elements, since: number, now: number, entry?: Entry): void {
  const seconds = Math.max(0, Math.round((now - since) / 1_000));
  const left = entry?.eta?.secondsLeft;
  setText(
    page.elapsed,
    left === undefined ? `${seconds} s` : `${seconds} s, about ${Math.max(1, Math.round(left))} s left`,
  );
}

function renderStage(page: Elements, entry: Entry | undefined, state: PageState): void {
  const picture = entry?.picture;
  const isOpen = state.trouble === undefined && (entry === undefined || !isFinished(entry.job));
  page.stage.setAttribute('aria-busy', String(isOpen));
  page.picture.hidden = picture === undefined;
  if (picture !== undefined && page.picture.src !== picture) page.picture.src = picture;
  page.picture.alt = entry?.job.prompt ?? '';
  page.waiting.hidden = picture !== undefined;
  setText(page.headline, headlineOf(entry, state));
  page.progress.hidden = !isOpen;
  page.elapsed.hidden = !isOpen;
  const percent = entry?.eta && Math.round(100 * entry.eta.fraction);
  page.bar.style.width = percent === undefined ? '' : `${percent}%`;
  if (percent === undefined) page.progress.removeAttribute('aria-valuenow');
  else page.progress.setAttribute('aria-valuenow', String(percent));
  page.sandbox.hidden = entry?.job.sandbox !== true;
}

function headlineOf(entry: Entry | undefined, { trouble, isResting }: PageState): string {
  if (entry === undefined) return trouble === undefined ? 'The picture is being ordered' : 'There is no picture';
  switch (entry.job.status) {
    case 'completed':
      return 'The picture is finished; open its file to see it';
    case 'failed':
      return 'There is no picture';
    case 'unknown':
      return 'It is not known whether there is a picture';
    default:
      return isResting ? 'The picture is not finished yet' : 'The picture is being made';
  }
}

function renderStrip(page: Elements, album: Album, onSelect: (jobId: string) => void): void {
  const { entries, selected } = album;
  page.strip.hidden = entries.length < 2;
  for (const [at, entry] of entries.entries()) {
    const button = (page.strip.children[at] ?? cardIn(page.strip)).querySelector('button');
    if (button === null) continue;
    button.onclick = () => onSelect(entry.job.jobId);
    button.setAttribute('aria-pressed', String(entry === selected));
    button.setAttribute('aria-label', `Picture ${at + 1}, ${entry.job.status}: ${entry.job.prompt.slice(0, 80)}`);
    renderThumb(button, entry);
  }
}

function cardIn(strip: HTMLElement): HTMLElement {
  const item = document.createElement('li');
  const button = document.createElement('button');
  button.type = 'button';
  item.append(button);
  strip.append(item);
  return item;
}

function renderThumb(button: HTMLElement, { job, picture }: Entry): void {
  if (picture === undefined) {
    setText(button, isFinished(job) ? job.status : '…');
    return;
  }
  const known = button.querySelector('img');
  const image = known ?? document.createElement('img');
  image.alt = '';
  if (image.src !== picture) image.src = picture;
  if (known === null) button.replaceChildren(image);
}

function renderWords(page: Elements, entry: Entry | undefined, state: PageState): void {
  const prompt = entry?.job.prompt ?? state.askedPrompt ?? '';
  page.prompt.hidden = prompt === '';
  setText(page.prompt, prompt);
  const facts = entry === undefined ? [] : factsOf(entry.job);
  page.facts.hidden = facts.length === 0;
  page.facts.replaceChildren(...facts.map(factRow));
  const trouble = state.trouble ?? (entry === undefined ? undefined : troubleOf(entry.job));
  page.trouble.hidden = trouble === undefined;
  if (trouble !== undefined) setText(page.trouble, trouble);
}

function factsOf({ width, height, ordered, credits, version, file }: ViewedJob): [string, string][] {
  const other = ordered === undefined ? '' : ` (ordered: ${ordered.width} × ${ordered.height})`;
  const facts = {
    Size: width === undefined || height === undefined ? undefined : `${width} × ${height}${other}`,
    Credits: credits.exact === undefined ? rangeOf(credits) : String(credits.exact),
    Version: version,
    File: file,
  };
  return Object.entries(facts).filter((fact): fact is [string, string] => fact[1] !== undefined);
}

function rangeOf({ min, max }: ViewedJob['credits']): string | undefined {
  return min === undefined || max === undefined ? undefined : `${min}–${max}`;
}

function factRow([name, value]: [string, string]): HTMLElement {
  const row = document.createElement('div');
  const term = document.createElement('dt');
  const detail = document.createElement('dd');
  term.textContent = name;
  detail.textContent = value;
  row.append(term, detail);
  return row;
}

function troubleOf({ error, status, next }: ViewedJob): string | undefined {
  if (error === undefined) return undefined;
  const isSettled = status === 'failed' || status === 'unknown';
  return [error.message, SPENT[error.creditsSpent ?? ''], isSettled ? next : undefined]
    .filter((part) => part !== undefined)
    .join('\n');
}

function renderActions(page: Elements, entry: Entry | undefined, state: PageState): void {
  const job = entry?.job;
  page.copy.hidden = (job?.prompt ?? state.askedPrompt ?? '') === '';
  page.open.hidden = job?.status !== 'completed' || (job.url === undefined && job.file === undefined);
  setText(page.open, job?.url === undefined ? 'Copy file path' : 'Open picture');
  page.vary.hidden = job === undefined || !state.canCall || !hasWholePrompt(job) || !isFinished(job);
  page.vary.disabled = state.isVarying;
  setText(page.vary, state.isVarying ? 'Ordering a variation…' : varyText(job));
  page.again.hidden = job === undefined || !state.isResting || !state.canCall || isFinished(job);
}

/** It is paid for: the button says what it may cost. */
function varyText(job: ViewedJob | undefined): string {
  const range = job && rangeOf(job.credits);
  return range === undefined ? 'New variation (paid)' : `New variation (${range} credits)`;
}

/** Only where it differs: a live region would be read out again. */
function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
