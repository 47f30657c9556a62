/** Decides what gives way when an answer is too large for its host. Ids, states and files never do. */
import type { CallToolResult } from '@modelcontextprotocol/server';
import type { JobView } from './job-view.ts';

export type Cuts = {
  /** Of the data, and of what the viewer gets. */
  shortDataPrompts?: true;
  noData?: true;
  shortTextPrompts?: true;
  noUrls?: true;
  /** Only ids, states, files, and whether failures cost anything. */
  bareText?: true;
};

/** In the order in which they are tried; each keeps those before it. */
const CUTS: readonly Cuts[] = [
  {},
  { shortDataPrompts: true },
  { noData: true },
  { noData: true, shortTextPrompts: true },
  { noData: true, shortTextPrompts: true, noUrls: true },
  { noData: true, shortTextPrompts: true, noUrls: true, bareText: true },
];

/** What the protocol may put around a result, and into it. */
const ENVELOPE_CHARACTERS = 300;
/** The sentences about the pictures. */
const NOTE_CHARACTERS = 700;
const PROMPT_IN_DATA_CHARACTERS = 200;
const PROMPT_IN_TEXT_CHARACTERS = 24;
/** Ends a prompt that is not complete, so that nobody orders with it. */
const SHORTENED = '… [shortened]';

function charactersIn(result: CallToolResult): number {
  return JSON.stringify(result).length + ENVELOPE_CHARACTERS;
}

/** How many cuts may be made to have room for a picture: all of them for the one that a call was made for. */
const FOR_PICTURES = { one: CUTS.length, batch: 2 };

/**
 * The fullest answer that leaves room for a picture, else the fullest that fits without one, else the barest.
 * @param pictureCharacters what a picture worth seeing takes; 0 where there is none to show
 * @returns with the characters that are left for pictures
 */
export function fitted(
  make: (cuts: Cuts) => CallToolResult,
  maxCharacters: number,
  pictureCharacters: number,
  pictures: keyof typeof FOR_PICTURES,
): { cuts: Cuts; left: number } {
  const tried: { cuts: Cuts; left: number }[] = [];
  for (const cuts of CUTS) {
    const one = { cuts, left: maxCharacters - NOTE_CHARACTERS - charactersIn(make(cuts)) };
    tried.push(one);
    if (tried.length <= FOR_PICTURES[pictures] && one.left >= pictureCharacters) return one;
  }
  return tried.find(({ left }) => left >= 0) ?? { cuts: CUTS.at(-1) ?? {}, left: 0 };
}

/** The view in the data. */
export function dataView(view: JobView, cuts: Cuts): JobView {
  return cuts.shortDataPrompts ? withShortPrompt(view, PROMPT_IN_DATA_CHARACTERS) : view;
}

/** The view in the text. */
export function textView(view: JobView, cuts: Cuts): JobView {
  const { url, ...rest } = cuts.shortTextPrompts ? withShortPrompt(view, PROMPT_IN_TEXT_CHARACTERS) : view;
  return url === undefined || cuts.noUrls ? rest : { ...rest, url };
}

/** What the text says about it. */
export function cutNotes(views: readonly JobView[], cuts: Cuts): string[] {
  const max = cuts.shortTextPrompts ? PROMPT_IN_TEXT_CHARACTERS : PROMPT_IN_DATA_CHARACTERS;
  const areShortened = cuts.shortDataPrompts || cuts.shortTextPrompts;
  return [
    ...(areShortened && views.some(({ prompt }) => [...prompt].length > max)
      ? ['Prompts are shortened in this answer because this host accepts no more.']
      : []),
    ...(cuts.noUrls && views.some(({ url }) => url !== undefined)
      ? ['URLs are left out of this answer for the same reason.']
      : []),
  ];
}

function withShortPrompt(view: JobView, maxCharacters: number): JobView {
  const characters = [...view.prompt];
  if (characters.length <= maxCharacters) return view;
  return { ...view, prompt: `${characters.slice(0, maxCharacters).join('')}${SHORTENED}` };
}
