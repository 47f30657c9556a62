/** The prompt that puts an image prompt together from its parts, by the provider's advice. */
import { ELEMENTS } from './elements.ts';
import type { Prompt } from './prompt.ts';

export const composeImagePrompt: Prompt = {
  name: 'compose_image_prompt',
  title: 'Compose an image prompt',
  description: 'Puts subject, style, mood, lighting, camera and composition together to a prompt for generate_image.',
  arguments: ELEMENTS.map(({ name, asks, suggestions }) => ({
    name,
    description: asks,
    required: name === 'subject',
    suggestions,
  })),
  render(values) {
    const given = ELEMENTS.filter(({ name }) => values[name] !== undefined);
    const missing = ELEMENTS.filter(({ name }) => values[name] === undefined);
    return [
      'Write one prompt for a picture with Flux Pro, in plain sentences, from these parts:',
      '',
      ...given.map(({ name, title }) => `- ${title}: ${values[name]}`),
      '',
      ...(missing.length === 0
        ? []
        : [`Choose what fits for what was left open: ${missing.map(({ name }) => name).join(', ')}.`]),
      'Name the visual elements first, then style, mood, lighting, camera and composition. Say what is to be seen, not',
      'what is to be avoided, and leave out what contradicts something else. Show the prompt to the user with a fitting',
      'aspect_ratio; once the user agrees, call generate_image with it, once.',
    ].join('\n');
  },
};
