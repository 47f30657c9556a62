/**
 * How to write a prompt: `flux://guide/prompting`. The provider's advice, and what follows from it. Each entry is a whole
 * paragraph or list item, so that an edit cannot lose half of a sentence.
 */
import { ELEMENTS } from './prompt-elements.ts';

export function guideText(): string {
  const pieces = ELEMENTS.map(
    ({ title, description, suggestions }) =>
      `- **${title}**: ${description} For example: ${suggestions.slice(0, 6).join('; ')}.`,
  );
  return [
    '# How to write a prompt for Flux Pro',
    '',
    'Write one description in plain sentences, the most important things first.',
    'Say what to show, not what to avoid: there is no negative prompt, and things that are named tend to appear.',
    '',
    '## What to say',
    '',
    ...pieces,
    '',
    '## What to check before ordering',
    '',
    '- Nothing contradicts something else (a night scene in bright daylight, a close-up of a whole landscape).',
    '- Each element has its place: in front, behind, left, right, in its hand.',
    '- Text that should be readable in the picture is short and in quotation marks.',
    '- The aspect ratio fits the composition: 16:9 for wide scenes, 9:16 for phone screens, 3:4 for portraits, 1:1 for icons.',
    '- The prompt describes one picture: for variants, order several pictures with `generate_images`.',
    '',
    '## An example',
    '',
    '> A red fox asleep in fresh snow under a birch, watercolour with fine ink lines, quiet and tender mood, soft light of an overcast morning, seen from slightly above, the fox in the lower third with plenty of empty snow around it.',
    '',
    'It names subject, style, mood, lighting, camera and composition, in that order, and costs no more than a prompt of three words.',
  ].join('\n');
}
