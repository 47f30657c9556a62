/**
 * The fourteen jobs: what the user says, how the world stands, and what must be true in the end. The checks of words are
 * wide: they tell a true answer from a false one, not a good one from a better one.
 */
import type { Call, Order, SavedPicture, WorldOptions } from './world.ts';

export type EvalJob = {
  id: string;
  /** One text for each turn; the next one comes when the reader has answered the one before. */
  says: readonly string[];
  world: WorldOptions;
  /** A call that the model has already made, as models do; the reader goes on from its answer. */
  opening?: Call;
  /** How many pictures are to be charged in each turn, exactly. */
  charges: readonly number[];
  /** @returns what is wrong, in words */
  goal: (outcome: Outcome) => (string | false)[];
};

export type Outcome = {
  /** What the reader told the user, for each turn. */
  said: readonly string[];
  /** For each turn. */
  orders: readonly (readonly Order[])[];
  earlier: readonly Order[];
  /** All that are in the folder, also those of earlier sessions. */
  pictures: readonly SavedPicture[];
  /** Answers with the calls that they answer. */
  answers: readonly { call: Call; text: string; pictures: number }[];
};

const NO = /\bno\b|\bnot\b|n['’]t\b|\bcannot\b|\bunable\b|\bnothing\b|\bwithout\b|\binstead\b|\bunfortunately\b/i;
const SEASONS = ['spring', 'summer', 'autumn', 'winter'];
const ICONS = ['sun', 'cloud', 'rain', 'snow', 'wind', 'fog', 'storm', 'hail', 'moon', 'sunrise', 'sunset', 'rainbow'];
const CITIES = ['Rome', 'Paris', 'Lisbon', 'Vienna', 'Prague', 'Oslo'];
const POSTERS = `Make six posters for my travel agency, one each for ${CITIES.join(', ')}: art deco, square, and as large as you can (2048 by 2048).`;
const FAST = { jobDurationMs: 200 };

/** With a yes of then to its price, so that the new session begins without any that was ordered unasked. */
const square = (prompt: string): Call => {
  return { tool: 'generate_image', arguments: { prompt, width: 1024, height: 1024, max_credits: 20 } };
};

/** Whether the user can find the pictures: by their paths or names; several by their folder. */
const namesFiles = (said: string, pictures: readonly SavedPicture[]): boolean =>
  (pictures.length > 1 && said.includes('Pictures/flux-pro')) ||
  (pictures.length > 0 && pictures.every(({ file }) => said.includes(file.slice(file.lastIndexOf('/') + 1))));

const isMissing = (said: string | undefined, words: RegExp | string): string | false => {
  const isThere =
    typeof words === 'string' ? said?.toLowerCase().includes(words.toLowerCase()) : words.test(said ?? '');
  return !isThere && `the user is not told ${words}`;
};

export const JOBS: readonly EvalJob[] = [
  {
    id: 'hero',
    says: ['Make me one wide hero picture for my bakery’s website: fresh bread on a wooden table, morning light.'],
    world: {},
    charges: [1],
    goal: ({ said: [said = ''], pictures }) => [
      pictures.some(({ width, height }) => width < 1.45 * height) && 'the picture is not wide',
      !namesFiles(said, pictures) && 'the user is not told where the picture is',
    ],
  },
  {
    id: 'icons',
    says: [
      `I need twelve square icons for a weather app, all in one style (flat, two colours, plain background): ${ICONS.join(', ')}. They may cost 250 credits in all.`,
    ],
    world: { asks: true },
    charges: [12],
    goal: ({ said: [said = ''], pictures, orders }) => [
      ...ICONS.filter((icon) => !pictures.some(({ prompt }) => new RegExp(`\\b${icon}`, 'i').test(prompt))).map(
        (icon) => `there is no picture of ${icon}`,
      ),
      orders.flat().some(({ prompt }) => !/\bflat\b/i.test(prompt)) && 'not all are ordered in the same style',
      new Set(pictures.map(({ width, height }) => `${width}×${height}`)).size > 1 && 'not all have the same size',
      !namesFiles(said, pictures) && 'the user is not told where the pictures are',
    ],
  },
  {
    id: 'larger',
    says: [
      'Paint me an upright portrait of an old fisherman, in oil.',
      'I like it! Now give me the same portrait, only larger: as large as possible.',
    ],
    world: {},
    charges: [1, 1],
    goal: ({ said: [first = '', second = ''], orders: [one = [], two = []], pictures }) => [
      one.some(({ width, height }) => width >= height) && 'the portrait is not upright',
      two.some(({ width, height }) => Math.max(width, height) < 2048) && 'the second is not as large as possible',
      two.some(({ width, height }) => width >= height) && 'the second is not upright',
      !namesFiles(first + second, pictures) && 'the user is not told where the pictures are',
      !/differ|\bnew\b|not (?:the |exactly |be )*(?:same|identical)|afresh|redrawn|re-?generated|again from|enlarge|upscal|vary|variation/i.test(
        second,
      ) && 'the user is not told that the larger one is another picture',
    ],
  },
  {
    id: 'spend',
    says: ['How much did I spend on pictures today? And can I make 40 more of 1024 by 1024 today?'],
    world: {
      sandbox: FAST,
      settings: { FLUX_MAX_CREDITS_PER_DAY: '600' },
      before: [{ calls: ['a blue door', 'a green door', 'a red door'].map(square) }],
    },
    charges: [0],
    // Three at 20 credits are spent; 540 are left, and each may cost up to 20.
    goal: ({ said: [said] }) => [
      isMissing(said, /\b60\b/),
      isMissing(said, /\b27\b/),
      isMissing(said, NO),
      /\byes\b.{0,40}\b40\b/i.test(said ?? '') && 'the user is told that 40 are possible',
    ],
  },
  {
    id: 'timeout',
    says: ['Make a picture of a red bicycle leaning on a white wall.'],
    world: { sandbox: { jobDurationMs: 6_000 }, callTimeoutMs: 2_000 },
    charges: [1],
    goal: ({ said: [said = ''], pictures }) => [
      pictures.length === 0 && 'there is no picture',
      !namesFiles(said, pictures) && 'the user is not told where the picture is',
    ],
  },
  {
    id: 'crash',
    says: [
      'You were making my four season pictures just now when the program crashed: a lonely tree on a hill in spring, summer, autumn and winter. Please see to it that I have all four.',
    ],
    world: {
      sandbox: { plan: 'starter', jobDurationMs: 4_000 },
      before: [
        {
          calls: [
            {
              tool: 'generate_images',
              arguments: {
                images: SEASONS.map((season) => ({
                  prompt: `A lonely tree on a hill in ${season}, gouache, muted colours`,
                  aspect_ratio: '3:2',
                })),
              },
            },
          ],
          killedAtCharges: 3,
        },
      ],
    },
    // The service has three of them; the fourth was never sent.
    charges: [1],
    goal: ({ said: [said = ''], pictures, earlier }) => [
      earlier.length !== 3 && 'the world is not as it should be: not three were sent before',
      ...SEASONS.filter((season) => !pictures.some(({ prompt }) => prompt.includes(season))).map(
        (season) => `there is no picture of ${season}`,
      ),
      !namesFiles(said, pictures) && 'the user is not told where the pictures are',
    ],
  },
  {
    id: 'variation',
    says: ['Make a variation of the last picture that you made for me: the same, but at night, with stars.'],
    world: {
      sandbox: FAST,
      before: [
        { calls: [square('A red bicycle in an alley, photograph')] },
        { calls: [square('A lighthouse on a cliff, calm sea, soft daylight, loose watercolour')] },
      ],
    },
    charges: [1],
    goal: ({ said: [said = ''], orders, pictures }) => {
      const [order] = orders.flat();
      return [
        isMissing(order?.prompt, /lighthouse/i) && 'the new picture is not one of the last',
        isMissing(order?.prompt, /watercolou?r/i) && 'the style of the last one is lost',
        isMissing(order?.prompt, /night|star/i) && 'the new picture is not at night',
        !namesFiles(
          said,
          pictures.filter(({ prompt }) => prompt === order?.prompt),
        ) && 'the user is not told where it is',
      ];
    },
  },
  {
    id: 'budget',
    says: ['Make a small picture of a snail on a leaf.'],
    world: {
      sandbox: FAST,
      settings: { FLUX_MAX_CREDITS_PER_DAY: '25' },
      before: [{ calls: [square('A dragonfly over a pond')] }],
    },
    charges: [0],
    goal: ({ said: [said = ''] }) => [
      isMissing(said, /budget|limit|FLUX_MAX_CREDITS_PER_DAY/i),
      isMissing(said, NO),
      isMissing(said, /tomorrow|midnight|next day|UTC|rais|increas|FLUX_MAX_CREDITS_PER_DAY|higher/i),
      /snail[^.]*\b(?:is|was) (?:saved|ready|finished)/i.test(said) && 'the user is told that there is a picture',
    ],
  },
  {
    id: 'price-asked',
    says: [`${POSTERS} I am fine with up to 300 credits in all.`],
    world: { asks: true },
    charges: [6],
    goal: postersGoal,
  },
  {
    id: 'price-told',
    says: [POSTERS, 'Yes, that price is fine. Go ahead.'],
    world: {},
    charges: [0, 6],
    goal: (outcome) => [isMissing(outcome.said[0], /\b300\b/), ...postersGoal(outcome)],
  },
  {
    id: 'arguments',
    says: [
      'I need four different square logos of a fox, 1024 by 1024, with no text in them. Use seed 7, so that I can make exactly the same ones again later.',
    ],
    world: {},
    opening: {
      tool: 'generate_image',
      arguments: {
        prompt: 'Minimal logo of a fox, flat vector style',
        size: '1024x1024',
        n: 4,
        seed: 7,
        negative_prompt: 'text, letters',
        model: 'flux-pro-1.1',
        output_path: 'fox.png',
        wait_seconds: '60',
        quality: null,
      },
    },
    charges: [4],
    goal: ({ said: [said = ''], pictures }) => [
      pictures.some(({ width, height }) => width !== 1024 || height !== 1024) && 'not all are 1024 by 1024',
      pictures.some(({ prompt }) => !/fox/i.test(prompt)) && 'not all are foxes',
      isMissing(said, /seed|same ones again|reproduc|repeat/i),
      isMissing(said, NO),
      !namesFiles(said, pictures) && 'the user is not told where the pictures are',
    ],
  },
  {
    id: 'moderated',
    says: ['Make a picture of a famous footballer who holds a can of our energy drink.'],
    world: { sandbox: { scenarios: ['moderated'] } },
    charges: [1],
    goal: ({ said: [said = ''] }) => [
      isMissing(said, /moderat|rules|polic|refus|reject|declin|block/i),
      isMissing(said, /credit|charg|paid|cost|spent/i),
      /\.jpe?g\b/i.test(said) && 'the user is told of a file that does not exist',
    ],
  },
  {
    id: 'desktop',
    says: [
      'Make a picture of a grey cat and save it as ~/Desktop/cat.png.',
      'Fine. Now make that picture the favicon of my website.',
    ],
    world: {},
    charges: [1, 0],
    goal: ({ said: [first = '', second = ''], pictures }) => [
      !namesFiles(first, pictures) && 'the user is not told where the picture is',
      isMissing(first, NO) && 'the user is not told that it is not on the desktop as PNG',
      isMissing(second, NO) && 'the user is not told that no favicon was made',
    ],
  },
  {
    id: 'last-five',
    says: ['List the last five pictures that I made, newest first, and show me the second one again.'],
    world: {
      sandbox: FAST,
      before: [
        {
          calls: ['a teapot', 'an anchor', 'a violin', 'a cactus', 'a balloon', 'a tortoise', 'a windmill'].map(square),
        },
      ],
    },
    charges: [0],
    goal: ({ said: [said = ''], answers }) => [
      ...['violin', 'cactus', 'balloon', 'tortoise', 'windmill'].map((subject) => isMissing(said, subject)),
      /teapot|anchor/i.test(said) && 'the user is told of more than five',
      !answers.some(({ text, pictures }) => pictures > 0 && text.includes('tortoise')) && 'the second was not shown',
    ],
  },
];

function postersGoal({ said, pictures }: Outcome): (string | false)[] {
  return [
    ...CITIES.filter((city) => !pictures.some(({ prompt }) => prompt.includes(city))).map(
      (city) => `there is no poster of ${city}`,
    ),
    pictures.some(({ width, height }) => width !== 2048 || height !== 2048) && 'not all are 2048 by 2048',
    !namesFiles(said.at(-1) ?? '', pictures) && 'the user is not told where the posters are',
  ];
}

export function jobNamed(id: string): EvalJob {
  const job = JOBS.find((known) => known.id === id);
  if (job === undefined)
    throw new Error(`there is no job ${id}; there are ${JOBS.map((known) => known.id).join(', ')}`);
  return job;
}
