/** The prompt that composes an image prompt from its elements, following the provider's advice. */
import { ELEMENTS } from './elements.ts';
import type { Prompt } from './prompt.ts';

export const composeImagePrompt: Prompt = {
  name: 'compose_image_prompt',
  title: 'Compose an image prompt',
  description: 'Combines subject, style, mood, lighting, camera and composition into one prompt for generate_image.',
  arguments: ELEMENTS,
  render(values) {
    const given = ELEMENTS.filter(({ name }) => values[name] !== undefined);
    const missing = ELEMENTS.flatMap(({ name }) => (values[name] === undefined ? [name] : [])).join(', ');
    return [
      'Write one prompt in plain sentences for a picture made with Flux Pro, from these parts:',
      '',
      ...given.map(({ name, title }) => `- ${title}: ${values[name]}`),
      '',
      ...(missing === '' ? [] : [`Choose something fitting for the missing parts: ${missing}.`]),
      'Name the visual elements first, then style, mood, lighting, camera and composition.',
      'Say what to show, not what to avoid, and leave out anything that contradicts the rest.',
      'Show the prompt to the user together with an aspect_ratio that fits.',
      'Once the user agrees, call generate_image with the prompt, once.',
    ].join('\n');
  },
};
