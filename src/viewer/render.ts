/** Brings the page to what is known: the picture, its progress, its facts, and what can be done with it. */
import { isFinished, type ViewedEta, type ViewedJob } from './viewed-job.ts';

/** The parts of the page that change, by their names in the HTML. */
export type Page = { picture: HTMLImageElement } & Record<'open' | 'copy' | 'vary' | 'again', HTMLButtonElement> &
  Record<
    | ('stage' | 'waiting' | 'headline' | 'progress' | 'bar' | 'elapsed' | 'sandbox')
    | ('strip' | 'prompt' | 'facts' | 'trouble' | 'said'),
    HTMLElement
  >;

/** A job that the page knows of; its picture's `data:` address; when it was first seen by the page's clock (ms). */
export type Entry = { job: ViewedJob; picture: string | undefined; eta: ViewedEta | undefined; since: number };

export type PageState = {
  /** By the job's id. */
  entries: ReadonlyMap<string, Entry>;
  selected: Entry | undefined;
  /** What the call asked for, before there is a job. */
  askedPrompt: string;
  /** What went wrong apart from the job: a refused call. */
  trouble: string | undefined;
  /** The open job is not polled any more. */
  isIdle: boolean;
  isVarying: boolean;
  canCall: boolean;
};

const SPENT: Readonly<Record<string, string>> = {
  no: 'No credits were spent.',
  maybe: 'It is not known whether credits were spent.',
  yes: 'The credits are spent.',
};

const HEADLINES: Readonly<Record<string, string>> = {
  completed: 'The picture is finished; open its file to see it',
  failed: 'There is no picture',
  unknown: 'It is not known whether there is a picture',
};

export function render(page: Page, state: PageState, onSelect: (entry: Entry) => void): void {
  const { selected, askedPrompt, trouble } = state;
  renderStage(page, state);
  renderStrip(page, state, onSelect);
  setText(page.prompt, selected?.job.prompt ?? askedPrompt);
  const facts = selected === undefined ? [] : factsOf(selected.job);
  page.facts.hidden = facts.length === 0;
  page.facts.replaceChildren(...facts.map(factRow));
  setText(page.trouble, trouble ?? (selected && troubleOf(selected.job)));
  renderActions(page, state);
}

/** @param now milliseconds of the page's clock */
export function renderElapsed(page: Page, since: number, now: number, eta: ViewedEta | undefined): void {
  const seconds = Math.round((now - since) / 1_000);
  const left = eta?.seconds_left;
  const leftText = left === undefined ? '' : `, about ${Math.max(1, Math.round(left))} s left`;
  page.elapsed.textContent = `${seconds} s${leftText}`;
}

function renderStage(page: Page, { selected, trouble, isIdle }: PageState): void {
  const { job, picture, eta } = selected ?? {};
  const isOpen = trouble === undefined && (job === undefined || !isFinished(job));
  page.stage.ariaBusy = String(isOpen);
  setPicture(page.picture, picture);
  page.picture.alt = job?.prompt ?? '';
  page.waiting.hidden = picture !== undefined;
  const ordering = trouble === undefined ? 'The picture is being ordered' : 'There is no picture';
  const making = isIdle ? 'The picture is not finished yet' : 'The picture is being made';
  setText(page.headline, job === undefined ? ordering : (HEADLINES[job.status] ?? making));
  page.progress.hidden = !isOpen;
  page.elapsed.hidden = !isOpen;
  const percent = eta && Math.round(100 * eta.fraction);
  page.bar.style.width = percent === undefined ? '' : `${percent}%`;
  page.progress.ariaValueNow = percent === undefined ? null : String(percent);
  page.sandbox.hidden = job?.sandbox !== true;
}

/** Its cards stay, so that the one with the focus keeps it. */
function renderStrip({ strip }: Page, { entries, selected }: PageState, onSelect: (entry: Entry) => void): void {
  strip.hidden = entries.size < 2;
  for (const [at, entry] of [...entries.values()].entries()) {
    const { job, picture } = entry;
    if (strip.children.length <= at) strip.append(card());
    const button = strip.children[at]?.firstElementChild as HTMLButtonElement;
    const [words, image] = button.children as unknown as [HTMLElement, HTMLImageElement];
    button.onclick = () => onSelect(entry);
    button.ariaPressed = String(entry === selected);
    button.ariaLabel = `Picture ${at + 1}, ${job.status}: ${job.prompt.slice(0, 80)}`;
    const status = isFinished(job) ? job.status : '…';
    setText(words, picture === undefined ? status : undefined);
    setPicture(image, picture);
  }
}

function card(): HTMLElement {
  const item = document.createElement('li');
  item.innerHTML = '<button type="button"><span></span><img alt="" /></button>';
  return item;
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
  for (const [tag, words] of [['dt', name] as const, ['dd', value] as const])
    row.append(Object.assign(document.createElement(tag), { textContent: words }));
  return row;
}

function troubleOf({ error, status, next }: ViewedJob): string | undefined {
  if (error === undefined) return undefined;
  const isSettled = status === 'failed' || status === 'unknown';
  const sentences = [error.message, SPENT[error.credits_spent ?? ''], isSettled && next];
  return sentences.filter(Boolean).join('\n');
}

function renderActions(page: Page, { selected, askedPrompt, isIdle, isVarying, canCall }: PageState): void {
  const { job } = selected ?? {};
  page.copy.hidden = (job?.prompt ?? askedPrompt) === '';
  page.open.hidden = job?.status !== 'completed' || (job.url === undefined && job.file === undefined);
  page.open.textContent = job?.url === undefined ? 'Copy file path' : 'Open picture';
  // Where a host takes little, the server shortens prompts and says so at their end: nothing is ordered by these.
  const isWhole = job !== undefined && job.prompt !== '' && !job.prompt.endsWith('… [shortened]');
  page.vary.hidden = !canCall || !isWhole || !isFinished(job);
  page.vary.disabled = isVarying;
  // It is paid for: the button says what it may cost.
  const range = job && rangeOf(job.credits);
  const price = range === undefined ? 'paid' : `${range} credits`;
  page.vary.textContent = isVarying ? 'Ordering a variation…' : `New variation (${price})`;
  page.again.hidden = job === undefined || !canCall || !isIdle || isFinished(job);
}

/** Hidden without words. Only what differs is set: a live region would be read out again. */
function setText(element: HTMLElement, words = ''): void {
  element.hidden = words === '';
  if (element.textContent !== words) element.textContent = words;
}

function setPicture(image: HTMLImageElement, address: string | undefined): void {
  image.hidden = address === undefined;
  if (address !== undefined && image.src !== address) image.src = address;
}
