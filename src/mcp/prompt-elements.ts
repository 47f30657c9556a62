/** The elements of an image prompt, following the provider's advice, with examples of each. */

export type PromptArgument = {
  name: string;
  description: string;
  required?: true;
  /** Offered while it is typed; any other text is as good. */
  suggestions: readonly string[];
};

export const ELEMENTS: readonly (PromptArgument & { title: string })[] = [
  {
    name: 'subject',
    title: 'Subject',
    required: true,
    description: 'What the picture shows: who or what, what it does, how it looks, what surrounds it.',
    suggestions: [
      'a lighthouse on a cliff above a calm sea',
      'an old clockmaker at her workbench',
      'a red fox asleep in fresh snow',
      'a bowl of ramen with steam rising from it',
      'a small robot watering plants on a balcony',
      'a minimal icon of a paper plane',
    ],
  },
  {
    name: 'style',
    title: 'Style',
    description: 'How it is made: a medium, a technique, a period.',
    suggestions: [
      'photograph',
      'watercolour with fine ink lines',
      'oil painting with visible brush strokes',
      'flat vector illustration',
      'isometric 3D render',
      'black-and-white film photograph',
      'pencil sketch',
      'pixel art',
      'woodcut print',
      'paper collage',
    ],
  },
  {
    name: 'mood',
    title: 'Mood',
    description: 'What it feels like.',
    suggestions: ['calm', 'tender', 'playful', 'mysterious', 'melancholic', 'energetic', 'solemn', 'cosy', 'tense'],
  },
  {
    name: 'lighting',
    title: 'Lighting',
    description: 'Where the light comes from, how hard it is, what colour it has.',
    suggestions: [
      'soft light of an overcast morning',
      'golden hour, long shadows',
      'blue hour',
      'hard midday sun',
      'a single lamp from the left',
      'neon signs at night',
      'candlelight',
      'backlit, with a rim of light',
      'even studio light',
    ],
  },
  {
    name: 'camera',
    title: 'Camera',
    description: 'The point of view: angle, distance, lens.',
    suggestions: [
      'at eye level',
      'low angle',
      "bird's-eye view",
      'close-up',
      'wide shot',
      '35 mm lens',
      '85 mm portrait lens, shallow depth of field',
      'macro lens',
      'telephoto lens, compressed background',
    ],
  },
  {
    name: 'composition',
    title: 'Composition',
    description: 'Where things are in the frame, and how much space is around them.',
    suggestions: [
      'subject centred',
      'subject in the left third, empty space on the right',
      'symmetrical',
      'diagonal lines leading to the subject',
      'plenty of empty space around it',
      'framed by a doorway',
      'foreground blurred, subject behind it',
    ],
  },
];
