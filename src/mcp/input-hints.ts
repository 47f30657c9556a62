/** What is said about arguments that other image services take, that stand in the wrong place, or that are misspelt. */
import { SIDE_PX } from '../core/image-request.ts';
import { nameMeant } from '../core/untrusted-text.ts';
import { type Schema, schemaIn } from './arguments.ts';

/** By their names, in small letters alone. */
const FOREIGN = Object.entries({
  'n count samples images prompts numimages numoutputs numberofimages batchsize':
    'leave it out; for several pictures, give generate_images one entry in images for each',
  seed: 'the service has no seed: leave it out, and tell the user that no picture can be repeated exactly',
  'steps numinferencesteps guidance guidancescale cfgscale strength safetytolerance promptupsampling background':
    'the service does not offer it, so leave it out',
  negativeprompt: 'the service has none; say in the prompt what the picture shows',
  style: 'write it into the prompt',
  'resolution dimensions imagesize': 'use aspect_ratio with size, or width and height',
  'model modelid modelname engine': 'version chooses between flux-pro-1.1 and flux-pro',
  'path outputpath filepath savepath saveto output outputdir outputfile folder directory':
    "file_name names the file; its folder is the user's setting FLUX_OUTPUT_DIR",
  'format imageformat outputformat responseformat': 'leave it out; the answer has the picture, its file and its URL',
  'image imageurl inputimage imageprompt referenceimage initimage mask':
    'the service takes no picture; describe it in the prompt',
  // An address chosen by a model would send word of the user's pictures to somebody else.
  'webhook webhookurl callback callbackurl': 'the user can set DOITONG_WEBHOOK_URL instead, for all orders',
});

/** @param name at most 60 characters of it @param other what is taken next to the list, or by its entries */
export function hintFor(name: string, value: unknown, { properties = {} }: Schema, other: Schema, orders: boolean) {
  if (schemaIn(other, name) !== undefined)
    return 'images' in properties ? 'give it in each entry of images' : 'give it once, next to images';
  const letters = name.toLowerCase().replace(/[^a-z]/gu, '');
  const foreign = pixelsHint(value) ?? FOREIGN.find(([names]) => names.split(' ').includes(letters))?.[1];
  if (orders && foreign !== undefined) return foreign;
  const names = Object.keys(properties);
  const meant = nameMeant(name, names) ?? names.find((one) => one.split('_').includes(letters));
  return meant && `did you mean ${meant}?`;
}

const PIXELS = /^(\d{2,5}) ?[x×*] ?(\d{2,5})$/iu;

/** For a size in pixels where a name is wanted: the sides to give instead, as near as the service allows. */
export function pixelsHint(value: unknown): string | undefined {
  const sides = typeof value === 'string' && value.length < 20 ? PIXELS.exec(value)?.slice(1).map(Number) : undefined;
  if (sides === undefined) return undefined;
  const scale = Math.min(1, SIDE_PX.max / Math.max(...sides)) / SIDE_PX.step;
  const [width, height] = sides.map((side) => Math.max(SIDE_PX.min, Math.round(side * scale) * SIDE_PX.step));
  return `for pixels, give width ${width} and height ${height}`;
}
